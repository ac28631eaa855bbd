"""The user data stream of USD-M: listen keys, and what comes on `/private` to those who name one.

A listen key is a stream of a `/private` connection: `/private/ws/KEY`, `/private/ws?listenKey=KEY`, with
`&events=A/B` for those events only, and `/private/stream?listenKey=KEY` wrapped. A key of nobody stays silent.
"""

import asyncio
import hashlib
import hmac
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from papertape.venue.fanout import Client
from papertape.venue.frames import text_frame, wrapped
from papertape.venue.orders.account import Account
from papertape.venue.orders.streams import BUFFER_BYTES_MAX
from papertape.venue.parameters import RestError


class _Key(msgspec.Struct, eq=False):
    """A key in force, and when it ends unless it is kept alive."""

    text: str
    ends: asyncio.TimerHandle


class ListenKeys:
    """At most one listen key for each account."""

    def __init__(self, clients: Callable[[], Iterable[Client]], venue_ms: Callable[[], int], life_s: float) -> None:
        """`clients` are the connections of now, `life_s` is in real seconds."""
        self._clients = clients
        self._venue_ms = venue_ms
        self._life_s = life_s
        self._keys: dict[int, _Key] = {}
        self._made = 0

    def open(self, account: Account) -> str:
        """The key of an account, from now on for its whole life; a new one if there is none."""
        if account.number not in self._keys:
            self._made += 1
            # Nobody who lacks the secret can say it beforehand.
            text = hmac.new(account.key.secret.encode(), b"listenKey%d" % self._made, hashlib.sha256).hexdigest()
            self._keys[account.number] = _Key(text, self._timer(account))
        return self.keep(account)

    def keep(self, account: Account) -> str:
        """The key lives on for its whole life. Raises RestError -1125 when there is none."""
        key = self._keys.get(account.number)
        if key is None:
            message = "This listenKey does not exist. Please use `POST /fapi/v1/listenKey` to recreate `listenKey`"
            raise RestError(-1125, message)
        key.ends.cancel()
        key.ends = self._timer(account)
        return key.text

    def close(self, account: Account) -> None:
        """The key is in force no more, if there was one; its streams are told so, and get nothing after it."""
        key = self._keys.get(account.number)
        if key is not None:
            key.ends.cancel()
            self.report(account, {"e": "listenKeyExpired", "E": self._venue_ms(), "listenKey": key.text})
            del self._keys[account.number]

    def report(self, account: Account, event: dict[str, Any]) -> None:
        """Send an event to each connection that listens to the account."""
        key = self._keys.get(account.number)
        if key is None:
            return
        names = {key.text, f"{key.text}@{event['e']}"}
        payload = msgspec.json.encode(event)
        for client in list(self._clients()):
            if client.category != "private" or client.silent or names.isdisjoint(client.control.streams):
                continue
            if client.transport.get_write_buffer_size() > BUFFER_BYTES_MAX:
                client.transport.abort()
            elif not client.transport.is_closing():
                client.transport.write(text_frame(wrapped(key.text, payload) if client.control.combined else payload))

    def close_all(self) -> None:
        """The box stops: no key ends any more."""
        for key in self._keys.values():
            key.ends.cancel()

    def _timer(self, account: Account) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(self._life_s, self.close, account)

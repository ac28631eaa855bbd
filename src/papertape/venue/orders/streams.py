"""The user data stream: `/ws-api/v3` with signed subscriptions, as spot has it since listen keys went away in 2026."""

import asyncio
import hmac
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec
from aiohttp import WSMsgType, web

from papertape.venue.frames import text_frame
from papertape.venue.orders.account import Account
from papertape.venue.orders.request import check_time, missing, signed
from papertape.venue.parameters import RestError

BUFFER_BYTES_MAX = 1 << 20
"""A client that leaves so much untaken is cut off."""


class UserStreams:
    """Who listens to which account; one subscription a connection."""

    def __init__(self, accounts: dict[str, Account], venue_ms: Callable[[], int]) -> None:
        self._accounts = accounts
        self._venue_ms = venue_ms
        self._listeners: dict[asyncio.Transport, Account] = {}

    def report(self, account: Account, event: dict[str, Any]) -> None:
        """Send an event to everybody who listens to the account."""
        frame = text_frame(msgspec.json.encode({"subscriptionId": 0, "event": event}))
        for transport, listens_to in list(self._listeners.items()):
            if listens_to is not account or transport.is_closing():
                continue
            if transport.get_write_buffer_size() > BUFFER_BYTES_MAX:
                transport.abort()
            else:
                transport.write(frame)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """One connection."""
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        transport = request.transport
        if transport is None:
            return socket
        try:
            with suppress(ConnectionError):
                async for message in socket:
                    if message.type is WSMsgType.TEXT:
                        transport.write(text_frame(self._answer(message.data, transport)))
        finally:
            self._listeners.pop(transport, None)
        return socket

    def close_all(self) -> None:
        """End every connection."""
        for transport in list(self._listeners):
            transport.abort()

    def _answer(self, text: str, transport: asyncio.Transport) -> bytes:
        request_id = None
        try:
            request = msgspec.json.decode(text)
            if not isinstance(request, dict):
                raise RestError(-1100, "expected an object")
            request_id = request.get("id")
            params = request.get("params", {})
            result = self._handle(str(request.get("method")), params if isinstance(params, dict) else {}, transport)
        except (RestError, msgspec.DecodeError) as error:
            refused = error if isinstance(error, RestError) else RestError(-1100, "Illegal characters: no JSON.")
            body = {"code": refused.code, "msg": str(refused)}
            return msgspec.json.encode({"id": request_id, "status": refused.status, "error": body})
        return msgspec.json.encode({"id": request_id, "status": 200, "result": result})

    def _handle(self, method: str, params: dict[str, Any], transport: asyncio.Transport) -> dict[str, Any]:
        match method:
            case "ping":
                return {}
            case "time":
                return {"serverTime": self._venue_ms()}
            case "userDataStream.subscribe.signature":
                self._listeners[transport] = self._signed_by(params)
                return {"subscriptionId": 0}
            case "userDataStream.unsubscribe":
                self._listeners.pop(transport, None)
                return {}
        raise RestError(-1020, f"This operation is not supported: {method}")

    def _signed_by(self, params: dict[str, Any]) -> Account:
        account = self._accounts.get(str(params.get("apiKey")))
        if account is None:
            raise RestError(-2015, "Invalid API-key, IP, or permissions for action.", 401)
        if "signature" not in params:
            raise missing("signature")
        # The venue signs the parameters in the order of their names.
        texts = {name: str(value) for name, value in sorted(params.items()) if name != "signature"}
        payload = "&".join(f"{name}={value}" for name, value in texts.items())
        if not hmac.compare_digest(signed(payload, account.key.secret).encode(), str(params["signature"]).encode()):
            raise RestError(-1022, "Signature for this request is not valid.")
        check_time(texts, self._venue_ms())
        return account

"""The gateway: runs beside a terminal and serves it to connectors elsewhere, over WebSockets, to whoever has the token.

It hands out symbols and ticks and takes no orders. Browsers are refused: they always tell an Origin.
"""

import asyncio
import hmac
from collections.abc import Callable
from contextlib import aclosing, suppress
from typing import Any

from aiohttp import WSMsgType, web

from papertape.core.errors import DecodeError, InputError, MT5Error
from papertape.data.connectors.mt5_ports import HistoryLost, TerminalPort
from papertape.data.wire.mt5 import gateway
from papertape.data.wire.mt5.machine import TickBatch

HEARTBEAT_S = 5.0
PATH = "/mt5"
BATCH_ROWS_MAX = 4_096
"""Ticks of one message; more come in several."""


class Mt5Gateway:
    """Serves `port` to connectors that know `token`. `clients` are connected now, `ticks` were pushed so far."""

    def __init__(self, port: TerminalPort, token: str, note: Callable[..., None]) -> None:
        if not token:
            raise InputError("the gateway needs a token: expected a text that is not empty")
        self.clients = self.ticks = 0
        self._port = port
        self._expected = f"Bearer {token}".encode()
        self._note = note
        self._sockets: set[web.WebSocketResponse] = set()

    def application(self) -> web.Application:
        """The web application to run."""
        application = web.Application()
        application.router.add_get(PATH, self._serve)
        application.on_shutdown.append(self._say_goodbye)
        return application

    async def _say_goodbye(self, _: web.Application) -> None:
        for socket in list(self._sockets):
            await socket.close(drain=False)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        """One connection, from its handshake to its end."""
        given = request.headers.get(gateway.AUTHORIZATION, "").encode()
        if not hmac.compare_digest(given, self._expected):
            self._note("refused", peer=request.remote, why="wrong token")
            raise web.HTTPUnauthorized
        if "Origin" in request.headers:
            self._note("refused", peer=request.remote, why="a browser")
            raise web.HTTPForbidden
        socket = web.WebSocketResponse(heartbeat=HEARTBEAT_S, compress=False, max_msg_size=gateway.MESSAGE_BYTES_MAX)
        await socket.prepare(request)
        self._sockets.add(socket)
        self.clients += 1
        self._note("client connected", peer=request.remote, clients=self.clients)
        try:
            # A client may go at any moment, also in the middle of an answer.
            with suppress(ConnectionError):
                await _send(socket, gateway.Hello(gateway.PROTOCOL))
                await self._converse(socket)
        finally:
            self._sockets.discard(socket)
            self.clients -= 1
            self._note("client gone", peer=request.remote, clients=self.clients)
        return socket

    async def _converse(self, socket: web.WebSocketResponse) -> None:
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                return
            try:
                asked = gateway.decode(message.data)
            except DecodeError as error:
                self._note("message cannot be read", error=str(error))
                return
            if isinstance(asked, gateway.Stream):
                await self._stream(socket, asked)
                return
            await _send(socket, await self._answer(asked))

    async def _answer(self, asked: Any) -> gateway.Message:
        try:
            match asked:
                case gateway.Ask("facts"):
                    return gateway.Answer(await self._port.connect())
                case gateway.Ask("names"):
                    return gateway.Answer(await self._port.names())
                case gateway.Ask("symbol_info", symbol):
                    return gateway.Answer(await self._port.symbol_info(symbol))
                case gateway.Ask("select", symbol):
                    await self._port.select(symbol)
                    return gateway.Answer(None)
                case _:
                    return gateway.Failed(-2, f"expected one of {', '.join(gateway.QUESTIONS)}", str(asked), "")
        except MT5Error as error:
            return _failed(error)

    async def _stream(self, socket: web.WebSocketResponse, asked: gateway.Stream) -> None:
        """Push until the client goes, which its silence or its close frame tells, or the terminal fails."""
        async with asyncio.TaskGroup() as group:
            pushing = group.create_task(self._push(socket, asked))
            async for _ in socket:
                pass
            pushing.cancel()

    async def _push(self, socket: web.WebSocketResponse, asked: gateway.Stream) -> None:
        with suppress(ConnectionError):
            try:
                async with aclosing(self._port.read(asked.cursors)) as reading:
                    async for one in reading:
                        await self._push_one(socket, one)
            except MT5Error as error:
                self._note("terminal error", error=str(error))
                await _send(socket, _failed(error))
            await socket.close()

    async def _push_one(self, socket: web.WebSocketResponse, one: TickBatch | HistoryLost) -> None:
        if isinstance(one, HistoryLost):
            await _send(socket, gateway.Lost(one.symbol))
            return
        for part in _parts(one):
            await socket.send_bytes(gateway.encode_ticks(part))
            self.ticks += len(part.rows)


def _parts(batch: TickBatch) -> list[TickBatch]:
    """A batch in messages of a bounded size."""
    parts, before = [], batch.before
    for start in range(0, max(len(batch.rows), 1), BATCH_ROWS_MAX):
        part = batch._replace(rows=batch.rows[start : start + BATCH_ROWS_MAX], before=before)
        parts.append(part)
        before = part.after
    return parts


def _failed(error: MT5Error) -> gateway.Failed:
    return gateway.Failed(error.code, error.text, error.call, error.symbol)


async def _send(socket: web.WebSocketResponse, message: gateway.Message) -> None:
    await socket.send_str(gateway.encode(message).decode())

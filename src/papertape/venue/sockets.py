"""The WebSocket side: one coroutine per client that reads control frames, answers pings and sends them."""

import asyncio
from contextlib import suppress
from urllib.parse import unquote

from aiohttp import WSCloseCode, WSMsgType, web

from papertape.venue.connection import ControlSession, KeepAlive, MessageRate, Refused
from papertape.venue.fanout import BUFFER_BYTES_LOW, BUFFER_BYTES_MAX, Client, Fanout, text_frame
from papertape.venue.rules import Category, VenueRules


class SocketDesk:
    """Accepts WebSocket clients and hands them to the fan-out."""

    def __init__(self, fanout: Fanout, rules: VenueRules) -> None:
        self._fanout = fanout
        self._rules = rules
        self._sockets: dict[Client, web.WebSocketResponse] = {}

    async def serve(self, request: web.Request, category: Category) -> web.StreamResponse:
        """One connection, from its handshake to its end."""
        combined, streams, time_unit = asked_for(request, category)
        if time_unit.upper() not in ("", "MILLISECOND"):
            raise web.HTTPBadRequest(text=f"timeUnit: expected MILLISECOND, was {time_unit}")
        try:
            control = ControlSession(self._rules, combined=combined, streams=streams)
        except Refused as refused:
            raise web.HTTPBadRequest(text=str(refused)) from refused
        socket = web.WebSocketResponse(autoping=False, compress=False, timeout=self._rules.close_wait_s)
        writer = await socket.prepare(request)
        transport = request.transport
        if transport is None:
            return socket
        transport.set_write_buffer_limits(BUFFER_BYTES_MAX, BUFFER_BYTES_LOW)
        client = Client(control, category, transport, writer)
        self._sockets[client] = socket
        self._fanout.add(client)
        try:
            # A client may go at any moment, also in the middle of an answer.
            with suppress(ConnectionError):
                await self._converse(client, socket)
        finally:
            self._fanout.remove(client)
            del self._sockets[client]
        return socket

    async def close_slow(self, client: Client) -> None:
        """Close a client that holds the market up; what it does not take soon after is cut off."""
        await self._refuse(client, b"Too slow")
        asyncio.get_running_loop().call_later(self._rules.close_wait_s, client.transport.abort)

    async def close_all(self) -> None:
        """Say goodbye to everybody."""
        closing = [socket.close(code=WSCloseCode.GOING_AWAY, drain=False) for socket in self._sockets.values()]
        await asyncio.gather(*closing)

    async def _refuse(self, client: Client, reason: bytes) -> None:
        # Out of the fan-out first: no data may follow a close frame.
        self._fanout.remove(client)
        if socket := self._sockets.get(client):
            await socket.close(code=WSCloseCode.POLICY_VIOLATION, message=reason, drain=False)

    async def _converse(self, client: Client, socket: web.WebSocketResponse) -> None:
        now_s = asyncio.get_running_loop().time
        keep_alive = KeepAlive(self._rules, now_s())
        rate = MessageRate(self._rules.messages_per_s_max)
        while True:
            if keep_alive.timed_out(now_s()):
                await self._refuse(client, b"Pong timeout")
                return
            if payload := keep_alive.ping(now_s()):
                await socket.ping(payload)
            try:
                message = await socket.receive(timeout=keep_alive.wait_s(now_s()))
            except TimeoutError:
                continue
            if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY, WSMsgType.PING, WSMsgType.PONG):
                return
            if rate.exceeded(now_s()):
                await self._refuse(client, b"Too many requests")
                return
            match message.type:
                case WSMsgType.PING:
                    await socket.pong(message.data)
                case WSMsgType.PONG:
                    keep_alive.pong(bytes(message.data))
                case WSMsgType.TEXT:
                    self._control(client, message.data.encode())

    def _control(self, client: Client, text: bytes) -> None:
        reply = client.control.answer(text)
        if reply is not None:
            self._fanout.refresh()
            client.transport.write(text_frame(reply))


def asked_for(request: web.Request, category: Category) -> tuple[bool, list[str], str]:
    """(combined?, streams, time unit) of a URL; read raw, since `+` in a stream name means itself."""
    prefix = "" if category == "unrouted" else f"/{category}"
    path = request.rel_url.raw_path.removeprefix(prefix)
    query = dict.fromkeys(("streams", "timeUnit"), "")
    for pair in request.rel_url.raw_query_string.split("&"):
        name, _, value = pair.partition("=")
        query[name] = unquote(value)
    combined = path == "/stream"
    names = query["streams"] if combined else unquote(path.removeprefix("/ws"))
    return combined, [name for name in names.split("/") if name], query["timeUnit"]

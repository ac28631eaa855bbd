"""The WebSocket side: one coroutine per client that reads control frames, answers pings and sends them."""

import asyncio
import struct
from contextlib import suppress
from socket import SO_LINGER, SOL_SOCKET
from typing import Protocol
from urllib.parse import unquote

import msgspec
from aiohttp import WSCloseCode, WSMessage, WSMsgType, web

from papertape.venue.connection import ControlSession, KeepAlive, MessageRate, Refused
from papertape.venue.fanout import BUFFER_BYTES_LOW, BUFFER_BYTES_MAX, Client, Fanout
from papertape.venue.frames import close_frame, text_frame
from papertape.venue.log import ConnectionLog, VenueLog
from papertape.venue.parameters import RestError
from papertape.venue.rules import Category, VenueRules


class Gate(Protocol):
    """What stands at the door, and what a connection meets once inside."""

    def admit(self, address: str) -> None:
        """Raises RestError for an address that must stay outside."""
        ...

    def greet(self, client: Client) -> None:
        """A connection came to be."""
        ...

    def read_pause_s(self, client: Client) -> float:
        """Seconds until the box reads the client's next frame."""
        ...

    def too_many(self, address: str) -> None:
        """A connection is closed for too many messages."""
        ...


class SocketDesk:
    """Accepts WebSocket clients and hands them to the fan-out."""

    def __init__(self, fanout: Fanout, rules: VenueRules, log: VenueLog) -> None:
        self._fanout = fanout
        self._rules = rules
        self._log = log
        self._sockets: dict[Client, web.WebSocketResponse] = {}
        self._logs: dict[Client, ConnectionLog] = {}

    @property
    def clients(self) -> list[Client]:
        """Everybody who is connected, in the order of coming."""
        return list(self._sockets)

    async def serve(self, request: web.Request, category: Category, gate: Gate) -> web.StreamResponse:
        """One connection, from its handshake to its end."""
        self._log.attempts += 1
        address = request.remote or ""
        try:
            gate.admit(address)
        except RestError as error:
            self._log.count(self._log.refused, str(error.status))
            return refusal(error)
        combined, streams, time_unit = asked_for(request, category)
        if time_unit.upper() not in ("", "MILLISECOND", "MICROSECOND"):
            raise web.HTTPBadRequest(text=f"timeUnit: expected MILLISECOND or MICROSECOND, was {time_unit}")
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
        now_s = asyncio.get_running_loop().time
        log = self._log.opened(request.raw_path, now_s())
        client = Client(
            control, category, transport, writer, number=log.number, microseconds=time_unit.upper() == "MICROSECOND"
        )
        self._sockets[client], self._logs[client] = socket, log
        self._fanout.add(client)
        gate.greet(client)
        try:
            # A client may go at any moment, also in the middle of an answer.
            with suppress(ConnectionError):
                await self._converse(client, socket, log, gate, address)
        finally:
            self._fanout.remove(client)
            del self._sockets[client], self._logs[client]
            log.closed_s = now_s()
        return socket

    def flush(self) -> None:
        """Write what is in the making."""
        self._fanout.flush()

    def end(self, client: Client, how: str, code: int = WSCloseCode.GOING_AWAY, reason: bytes = b"") -> None:
        """End a connection: `close` with a close frame, `cut` without one, `reset` by TCP."""
        socket = self._sockets.get(client)
        if socket is None:
            return
        self._fanout.remove(client)
        if how == "close":
            self._logs[client].close_code = code
            client.transport.write(close_frame(code, reason))
            # A client that answers is gone by then.
            asyncio.get_running_loop().call_later(self._rules.close_wait_s, client.transport.abort)
        elif how == "cut":
            client.transport.close()
        else:
            linger = struct.pack("ii", 1, 0)
            client.transport.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, linger)
            client.transport.abort()

    async def close_slow(self, client: Client) -> None:
        """Close a client that holds the market up; what it does not take soon after is cut off."""
        await self._refuse(client, b"Too slow")
        asyncio.get_running_loop().call_later(self._rules.close_wait_s, client.transport.abort)

    async def close_all(self) -> None:
        """Say goodbye to everybody."""
        for client in self._sockets:
            if client.silent:
                client.transport.abort()
        closing = [socket.close(code=WSCloseCode.GOING_AWAY, drain=False) for socket in self._sockets.values()]
        await asyncio.gather(*closing)

    async def _refuse(self, client: Client, reason: bytes, code: WSCloseCode = WSCloseCode.POLICY_VIOLATION) -> None:
        # Out of the fan-out first: no data may follow a close frame.
        self._fanout.remove(client)
        if socket := self._sockets.get(client):
            self._logs[client].close_code = code
            await socket.close(code=code, message=reason, drain=False)

    async def _converse(
        self, client: Client, socket: web.WebSocketResponse, log: ConnectionLog, gate: Gate, address: str
    ) -> None:
        now_s = asyncio.get_running_loop().time
        keep_alive = KeepAlive(self._rules, now_s())
        rate = MessageRate(self._rules.messages_per_s_max)
        end_s = now_s() + self._rules.lifetime_s
        while True:
            if now_s() >= end_s:
                await self._refuse(client, b"24 hours are over", WSCloseCode.GOING_AWAY)
                return
            quiet = client.silent or client.deaf
            if keep_alive.timed_out(now_s()) and not quiet:
                await self._refuse(client, b"Pong timeout")
                return
            if (payload := keep_alive.ping(now_s())) and not quiet:
                log.pings += 1
                await socket.ping(payload)
            try:
                message = await socket.receive(timeout=min(keep_alive.wait_s(now_s()), max(0.001, end_s - now_s())))
            except TimeoutError:
                continue
            if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY, WSMsgType.PING, WSMsgType.PONG):
                return
            log.messages += 1
            exceeded = rate.exceeded(now_s())
            log.messages_per_s = max(log.messages_per_s, rate.within_s(now_s()))
            if exceeded:
                log.violations += 1
                gate.too_many(address)
                await self._refuse(client, b"Too many requests")
                return
            if pause_s := gate.read_pause_s(client):
                await asyncio.sleep(pause_s)
            await self._take(client, socket, keep_alive, log, message)

    async def _take(
        self,
        client: Client,
        socket: web.WebSocketResponse,
        keep_alive: KeepAlive,
        log: ConnectionLog,
        message: WSMessage,
    ) -> None:
        """Answer one frame of the client."""
        if client.silent:
            return
        match message.type:
            case WSMsgType.PING if not client.deaf:
                await socket.pong(message.data)
            case WSMsgType.PONG:
                log.pongs += 1
                if not client.deaf:
                    keep_alive.pong(bytes(message.data))
            case WSMsgType.TEXT:
                self._control(client, message.data.encode())

    def _control(self, client: Client, text: bytes) -> None:
        reply = client.control.answer(text)
        if reply is not None:
            self._fanout.refresh()
            client.transport.write(text_frame(reply))


def refusal(error: RestError) -> web.Response:
    """The HTTP answer that an error is."""
    headers = {} if error.wait_s is None else {"Retry-After": str(error.wait_s)}
    body = msgspec.json.encode({"code": error.code, "msg": str(error)})
    return web.Response(
        status=error.status, body=body, content_type="application/json", charset="utf-8", headers=headers
    )


def asked_for(request: web.Request, category: Category) -> tuple[bool, list[str], str]:
    """(combined?, streams, time unit) of a URL; read raw, since `+` in a stream name means itself."""
    prefix = "" if category == "unrouted" else f"/{category}"
    path = request.rel_url.raw_path.removeprefix(prefix)
    query = dict.fromkeys(("streams", "timeUnit", "listenKey", "events"), "")
    for pair in request.rel_url.raw_query_string.split("&"):
        name, _, value = pair.partition("=")
        query[name] = unquote(value)
    combined = path == "/stream"
    names = query["streams"] if combined else unquote(path.removeprefix("/ws"))
    streams = [name for name in names.split("/") if name]
    if category == "private" and (key := query["listenKey"]):
        # User data: all events of a listen key, or those that are named.
        streams += [f"{key}@{event}" for event in query["events"].split("/") if event] or [key]
    return combined, streams, query["timeUnit"]

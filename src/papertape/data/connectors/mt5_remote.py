"""A terminal behind a gateway: questions and ticks over one WebSocket, so that the connector may run anywhere."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack
from typing import Any, cast

import aiohttp
import msgspec

from papertape.core.clock import Clock
from papertape.core.errors import ConnectFailed, DecodeError, MT5Error, RemoteProtocolError, SessionClosed
from papertape.data.connectors.mt5_ports import HistoryLost, TerminalFacts
from papertape.data.connectors.proxy import proxy_for
from papertape.data.wire.mt5 import gateway
from papertape.data.wire.mt5.machine import TickBatch
from papertape.data.wire.mt5.ticks import TickCursor

HANDSHAKE_S = 5.0
ANSWER_S = 90.0
"""A terminal that has to be started first may take so long."""
HEARTBEAT_S = 5.0
"""A gateway that is silent is pinged, and counts as gone when half of this passes without a pong."""


class _Socket:
    """One connection to a gateway, from its first message on."""

    def __init__(self, url: str, session: aiohttp.ClientSession, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._url = url
        self._session = session
        self._socket = socket

    @classmethod
    async def open(cls, url: str, token: str) -> "_Socket":
        """Connect. Raises ConnectFailed, with the HTTP status of a refusal, or RemoteProtocolError."""
        async with AsyncExitStack() as undo:
            session = aiohttp.ClientSession(headers={gateway.AUTHORIZATION: f"Bearer {token}"})
            undo.push_async_callback(session.close)
            try:
                async with asyncio.timeout(HANDSHAKE_S):
                    socket = await session.ws_connect(
                        url, heartbeat=HEARTBEAT_S, max_msg_size=gateway.MESSAGE_BYTES_MAX, proxy=proxy_for(url)
                    )
                    undo.push_async_callback(socket.close)
                    one = cls(url, session, socket)
                    hello = await one.message()
            except aiohttp.WSServerHandshakeError as error:
                raise ConnectFailed(f"{url} refused the connector: HTTP {error.status}", error.status) from error
            except (aiohttp.ClientError, OSError, ValueError) as error:  # a timeout is an OSError
                raise ConnectFailed(f"no gateway at {url}: {str(error) or type(error).__name__}") from error
            if not isinstance(hello, gateway.Hello) or hello.protocol != gateway.PROTOCOL:
                raise RemoteProtocolError(
                    f"{url}: expected a gateway of protocol {gateway.PROTOCOL}, was {hello}; "
                    "run the same version of papertape on both sides"
                )
            undo.pop_all()
            return one

    async def send(self, message: gateway.Message) -> None:
        try:
            await self._socket.send_str(gateway.encode(message).decode())
        except (aiohttp.ClientError, OSError) as error:
            raise SessionClosed(f"the gateway at {self._url} is gone: {error}") from error

    async def receive(self) -> bytes | str:
        """The next message: bytes are ticks. Raises SessionClosed at the end."""
        message = await self._socket.receive()
        if message.type in (aiohttp.WSMsgType.BINARY, aiohttp.WSMsgType.TEXT):
            return cast("bytes | str", message.data)
        why = message.data if message.type is aiohttp.WSMsgType.ERROR else f"close code {self._socket.close_code}"
        raise SessionClosed(f"the gateway at {self._url} is gone: {why}")

    async def message(self) -> Any:
        """The next message, which is JSON."""
        data = await self.receive()
        if isinstance(data, bytes):
            raise RemoteProtocolError(f"{self._url}: expected an answer, was ticks nobody asked for")
        return gateway.decode(data)

    async def close(self) -> None:
        try:
            await self._socket.close()
        finally:  # who is cancelled meanwhile leaves no session behind
            await self._session.close()


class GatewayTerminal:
    """`TerminalPort` over the gateway at `url`, which asks for `token`: one connection for questions, one for each reading.

    Ticks that are not taken yet stay in the socket, and then in the terminal: nothing gathers here.
    """

    def __init__(self, url: str, token: str, clock: Clock) -> None:
        self._url = url
        self._token = token
        self._clock = clock
        self._socket: _Socket | None = None
        self._asking = asyncio.Lock()

    async def connect(self) -> TerminalFacts:
        """See `TerminalPort`."""
        await self.close()
        self._socket = await _Socket.open(self._url, self._token)
        return cast("TerminalFacts", self._converted(await self._ask("facts"), TerminalFacts))

    async def close(self) -> None:
        """See `TerminalPort`."""
        socket, self._socket = self._socket, None
        if socket is not None:
            await socket.close()

    async def names(self) -> list[str]:
        """See `TerminalPort`."""
        return cast("list[str]", self._converted(await self._ask("names"), list[str]))

    async def symbol_info(self, symbol: str) -> dict[str, Any]:
        """See `TerminalPort`."""
        return cast("dict[str, Any]", self._converted(await self._ask("symbol_info", symbol), dict[str, Any]))

    async def select(self, symbol: str) -> None:
        """See `TerminalPort`."""
        await self._ask("select", symbol)

    async def read(self, cursors: Mapping[str, TickCursor | None]) -> AsyncGenerator[TickBatch | HistoryLost]:
        """See `TerminalPort`."""
        socket = await _Socket.open(self._url, self._token)
        try:
            await socket.send(gateway.Stream(dict(cursors)))
            while True:
                data = await socket.receive()
                now_ns = self._clock.now_ns()
                if isinstance(data, bytes):
                    yield gateway.decode_ticks(data, now_ns)
                    continue
                message = gateway.decode(data)
                if not isinstance(message, gateway.Lost):
                    raise self._unexpected(message)
                yield HistoryLost(message.symbol, now_ns)
        finally:
            await socket.close()

    async def _ask(self, what: str, symbol: str = "") -> Any:
        if self._socket is None:
            raise SessionClosed(f"{self._url}: expected a connection, was none; connect first")
        async with self._asking:
            await self._socket.send(gateway.Ask(what, symbol))
            try:
                async with asyncio.timeout(ANSWER_S):
                    message = await self._socket.message()
            except TimeoutError as error:
                raise SessionClosed(f"{self._url} gave no answer to {what} within {ANSWER_S:g} s") from error
        if not isinstance(message, gateway.Answer):
            raise self._unexpected(message)
        return message.value

    def _converted(self, value: Any, kind: Any) -> Any:
        try:
            return msgspec.convert(value, kind)
        except msgspec.ValidationError as error:
            raise DecodeError(f"{self._url} answered what it should not: {error}") from error

    def _unexpected(self, message: Any) -> MT5Error | RemoteProtocolError:
        if isinstance(message, gateway.Failed):
            return MT5Error(message.code, message.text, message.call, message.symbol)
        return RemoteProtocolError(f"{self._url} sent what nobody asked for: {type(message).__name__}")

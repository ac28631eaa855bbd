"""A venue that misbehaves on demand: Binance's streams and REST over plain sockets, with a market that is known exactly."""

import asyncio
import base64
import gzip
import hashlib
import json
import struct
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

TEXT, CONTINUATION, BINARY, CLOSE, PING, PONG = 1, 0, 2, 8, 9, 10
OLD_MS = 1_700_000_000_000
"""The market's time stands years in the past, as that of a replayed venue does."""

Answer = tuple[int, dict[str, str], bytes]
Rest = Callable[[dict[str, str]], Answer | Awaitable[Answer]]


def ws_frame(opcode: int, payload: bytes, fin: bool = True) -> bytes:
    """A server's WebSocket frame, unmasked."""
    head = bytes([opcode | (0x80 if fin else 0)])
    size = len(payload)
    if size < 126:
        return head + bytes([size]) + payload
    if size < 1 << 16:
        return head + b"\x7e" + struct.pack(">H", size) + payload
    return head + b"\x7f" + struct.pack(">Q", size) + payload


def combined(stream: str, data: dict[str, Any]) -> bytes:
    return json.dumps({"stream": stream, "data": data}, separators=(",", ":")).encode()


def answer(body: object, status: int = 200, **headers: str) -> Answer:
    return status, {name.replace("_", "-"): value for name, value in headers.items()}, json.dumps(body).encode()


class HostileMarket:
    """One symbol whose every print and level is known. Each step is one print, one depth event, one quote."""

    def __init__(self, symbol: str, usdm: bool = False) -> None:
        self.symbol = symbol
        self._usdm = usdm
        self.trade_id = 1000
        self.update_id = 50_000
        self.bids = {10_000 - n: 5 + n for n in range(20)}
        self.asks = {10_001 + n: 5 + n for n in range(20)}
        self.trades: list[dict[str, Any]] = []
        self.steps = 0

    @property
    def top(self) -> tuple[str, str]:
        """Best bid and ask as the recorder's summary spells them."""
        return f"{max(self.bids) / 100:.2f}", f"{min(self.asks) / 100:.2f}"

    def step(self) -> list[tuple[str, bytes]]:
        """The frames of the next step, each with its kind of stream."""
        self.steps += 1
        return [self._trade(), *self._depth_and_quote()]

    def _trade(self) -> tuple[str, bytes]:
        self.trade_id += 1
        ms = OLD_MS + self.steps
        price, size = f"{100 + self.steps % 7 / 100:.2f}000000", "0.50000000"
        self.trades.append(
            {"id": self.trade_id, "price": price, "qty": size, "time": ms, "isBuyerMaker": self.steps % 2 == 0}
        )
        data = {"e": "trade", "E": ms, "s": self.symbol, "t": self.trade_id, "p": price, "q": size, "T": ms}
        return "trade", combined(f"{self.symbol.lower()}@trade", data | {"m": self.steps % 2 == 0})

    def _depth_and_quote(self) -> list[tuple[str, bytes]]:
        side, prices = ("b", self.bids) if self.steps % 2 else ("a", self.asks)
        price = 10_000 - self.steps % 23 if side == "b" else 10_001 + self.steps % 23
        size = self.steps % 5
        prices[price] = size
        if not size and len(prices) > 1:
            del prices[price]
        else:
            prices[price] = size = size or 9
        first, previous = self.update_id + 1, self.update_id
        self.update_id += 3
        ms = OLD_MS + self.steps
        event: dict[str, Any] = {"e": "depthUpdate", "E": ms, "s": self.symbol, "U": first, "u": self.update_id}
        event |= {"b": [], "a": [], side: [[f"{price / 100:.2f}000000", f"{size}.00000000"]]}
        if self._usdm:
            event |= {"T": ms, "pu": previous}
        bid, ask = max(self.bids), min(self.asks)
        quote = {"u": self.update_id, "s": self.symbol, "b": f"{bid / 100:.2f}", "B": f"{self.bids[bid]}.0"}
        quote |= {"a": f"{ask / 100:.2f}", "A": f"{self.asks[ask]}.0"}
        name = self.symbol.lower()
        return [
            ("depth", combined(f"{name}@depth@100ms", event)),
            ("bookTicker", combined(f"{name}@bookTicker", quote)),
        ]

    def snapshot(self) -> dict[str, Any]:
        """The REST depth answer of the moment."""

        def levels(side: dict[int, int], reverse: bool) -> list[list[str]]:
            return [[f"{price / 100:.2f}000000", f"{side[price]}.00000000"] for price in sorted(side, reverse=reverse)]

        return {"lastUpdateId": self.update_id, "bids": levels(self.bids, True), "asks": levels(self.asks, False)}


def write_small_reel(path: Path, market: HostileMarket, steps: int, silence_us: int = 0) -> Path:
    """A reel of a market, its snapshot inline after the first frames; half-way nothing comes for `silence_us`."""
    now_us = 1_700_000_000_000_000
    with gzip.open(path, "wt") as stream:
        for step in range(steps):
            for _, frame in market.step():
                now_us += 400
                stream.write(f"{now_us} {frame.decode()}\n")
            if step == 3:
                stream.write(f"{now_us} {json.dumps(market.snapshot())}\n")
            if step == steps // 2:
                now_us += silence_us
    return path


class Connection:
    """One WebSocket client of the venue."""

    def __init__(
        self, number: int, path: str, streams: set[str], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.number = number
        self.path = path
        self.streams = streams
        self.muted = False
        self.half_open = False
        self.pongs = 0
        self.lag = 0
        """How many messages it is behind the others."""
        self.closed = asyncio.Event()
        self._late: deque[bytes] = deque()
        self._reader = reader
        self._writer = writer

    def send(self, *frames: bytes) -> None:
        """Send raw frames as one write, unless the connection is half open or gone."""
        if not self.half_open and not self._writer.is_closing():
            self._writer.write(b"".join(frames))

    def tell(self, frame: bytes) -> None:
        """Send one message of a market, as late as `lag` says."""
        self._late.append(frame)
        while len(self._late) > self.lag:
            self.send(ws_frame(TEXT, self._late.popleft()))

    def catch_up(self) -> None:
        """Send what is late."""
        while self._late:
            self.send(ws_frame(TEXT, self._late.popleft()))

    def cut(self) -> None:
        """End the connection without a close frame, as a lost network does."""
        self._writer.transport.abort()

    async def settled(self) -> None:
        """Return when the client has taken everything sent so far: it answers a ping that came after."""
        wanted = self.pongs + 1
        self.send(ws_frame(PING, b"settle"))
        await until(lambda: self.pongs >= wanted or self.closed.is_set(), "a pong")

    async def serve(self) -> None:
        """Read until the client is gone; pings are answered unless half open."""
        try:
            while True:
                opcode, payload = await self._read_frame()
                if opcode == PING:
                    self.send(ws_frame(PONG, payload))
                elif opcode == PONG:
                    self.pongs += payload == b"settle"
                elif opcode == TEXT:
                    self._take_request(json.loads(payload))
                elif opcode == CLOSE:
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            self.closed.set()
            self._writer.close()

    def _take_request(self, request: dict[str, Any]) -> None:
        if request["method"] == "SUBSCRIBE":
            self.streams |= set(request["params"])
        else:
            assert request["method"] == "UNSUBSCRIBE"
            self.streams -= set(request["params"])
        self.send(ws_frame(TEXT, json.dumps({"result": None, "id": request["id"]}).encode()))

    async def _read_frame(self) -> tuple[int, bytes]:
        head = await self._reader.readexactly(2)
        size = head[1] & 0x7F
        if size == 126:
            size = struct.unpack(">H", await self._reader.readexactly(2))[0]
        mask = await self._reader.readexactly(4)
        payload = await self._reader.readexactly(size)
        return head[0] & 0x0F, bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))


class HostileVenue:
    """The server. Change its attributes while it runs to make it misbehave.

    `rest` replaces the answer of a route, `keep` says which frames are sent, `on_open` is called
    with every new connection, `refuse` gives the status of a refused handshake or None,
    `before_handshake` is awaited first. `asked` counts REST questions by route.
    """

    def __init__(self, markets: Sequence[HostileMarket], usdm: bool) -> None:
        self.markets = {market.symbol: market for market in markets}
        self.usdm = usdm
        self.rest: dict[str, Rest] = {}
        self.keep: Callable[[str, bytes], bool] = lambda kind, frame: True
        self.on_open: Callable[[Connection], None] = lambda connection: None
        self.refuse: Callable[[str], int | None] = lambda path: None
        self.before_handshake: Callable[[], Awaitable[None]] | None = None
        self.asked: Counter[str] = Counter()
        self.connections: list[Connection] = []
        self.playing = True
        self.port = 0
        self.writers: list[asyncio.StreamWriter] = []

    @property
    def urls(self) -> list[str]:
        return ["--ws-url", f"ws://127.0.0.1:{self.port}", "--rest-url", f"http://127.0.0.1:{self.port}"]

    @property
    def live(self) -> list[Connection]:
        return [one for one in self.connections if not one.closed.is_set()]

    async def play(self) -> None:
        """Step every market, again and again."""
        while True:
            if self.playing:
                for market in self.markets.values():
                    self.send_step(market)
            await asyncio.sleep(0.003)

    def send_step(self, market: HostileMarket) -> None:
        """One step of `market` to whoever subscribed."""
        for kind, frame in market.step():
            if not self.keep(kind, frame):
                continue
            name = frame[11 : frame.index(b'"', 11)].decode()
            for connection in self.live:
                if not connection.muted and name in connection.streams:
                    connection.tell(frame)

    async def steps(self, count: int) -> None:
        """Wait until the markets have made `count` further steps."""
        market = next(iter(self.markets.values()))
        wanted = market.steps + count
        await until(lambda: market.steps >= wanted, f"{count} steps")

    async def recorded(self, connections: int = 1) -> None:
        """Wait until that many connections came and every book could have been synchronised."""
        await until(lambda: len(self.connections) >= connections and bool(self.live), f"{connections} connections")
        await until(lambda: self.asked["depth"] >= len(self.markets), "a question for a snapshot")
        await self.steps(30)

    async def still(self) -> None:
        """Stop the markets and wait until every client has taken everything."""
        self.playing = False
        for connection in self.live:
            connection.catch_up()
            await connection.settled()

    async def client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one TCP connection."""
        self.writers.append(writer)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()
            return
        target = head.split(" ", 2)[1]
        key = next(
            (line[18:].strip() for line in head.split("\r\n") if line.lower().startswith("sec-websocket-key:")), ""
        )
        if key:
            await self._websocket(target, key, reader, writer)
        else:
            await self._answer(target, writer)

    async def _websocket(
        self, target: str, key: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if self.before_handshake is not None:
            await self.before_handshake()
        parts = urlsplit(target)
        status = 404 if not parts.path.endswith("/stream") else self.refuse(parts.path)
        if status is not None:
            writer.write(f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
            writer.close()
            return
        digest = hashlib.sha1(key.encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
        accept = base64.b64encode(digest).decode()
        writer.write(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept}\r\n\r\n".encode()
        )
        streams = set(parse_qs(parts.query)["streams"][0].split("/"))
        connection = Connection(len(self.connections), parts.path, streams, reader, writer)
        self.connections.append(connection)
        self.on_open(connection)
        await connection.serve()

    async def _answer(self, target: str, writer: asyncio.StreamWriter) -> None:
        parts = urlsplit(target)
        route = parts.path.rpartition("/")[2]
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.asked[route] += 1
        made = (self.rest.get(route) or getattr(self, f"_rest_{route.lower()}", self._rest_missing))(query)  # type: ignore[misc]
        status, headers, body = await made if isinstance(made, Awaitable) else made
        lines = [f"HTTP/1.1 {status} Status", f"Content-Length: {len(body)}", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        writer.close()

    def _rest_missing(self, query: dict[str, str]) -> Answer:
        return answer({"code": -5000, "msg": "Path not found"}, 404)

    def _rest_exchangeinfo(self, query: dict[str, str]) -> Answer:
        wanted = json.loads(query.get("symbols", "[]"))
        if unknown := [symbol for symbol in wanted if symbol not in self.markets]:
            return answer({"code": -1121, "msg": f"Invalid symbol. {unknown}"}, 400)
        filters = [
            {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000", "tickSize": "0.01000000"},
            {"filterType": "LOT_SIZE", "minQty": "0.00010000", "maxQty": "9000", "stepSize": "0.00010000"},
        ]
        symbols = [
            {"symbol": symbol, "status": "TRADING", "baseAsset": symbol[:-4], "quoteAsset": "USDT", "filters": filters}
            for symbol in self.markets
        ]
        return answer({"timezone": "UTC", "serverTime": OLD_MS, "symbols": symbols})

    def _rest_depth(self, query: dict[str, str]) -> Answer:
        market = self.markets.get(query["symbol"])
        return answer({"code": -1121, "msg": "Invalid symbol."}, 400) if market is None else answer(market.snapshot())

    def _rest_trades(self, query: dict[str, str]) -> Answer:
        return answer(self.markets[query["symbol"]].trades[-int(query["limit"]) :])

    def _rest_historicaltrades(self, query: dict[str, str]) -> Answer:
        first, limit = int(query["fromId"]), int(query["limit"])
        return answer([one for one in self.markets[query["symbol"]].trades if one["id"] >= first][:limit])


@asynccontextmanager
async def hostile_venue(*symbols: str, usdm: bool = False) -> AsyncIterator[HostileVenue]:
    """A running venue with a market for each symbol."""
    venue = HostileVenue([HostileMarket(symbol, usdm) for symbol in symbols or ("ABCUSDT",)], usdm)
    server = await asyncio.start_server(venue.client, "127.0.0.1", 0, limit=1 << 20)
    venue.port = server.sockets[0].getsockname()[1]
    async with asyncio.TaskGroup() as group:
        playing = group.create_task(venue.play())
        try:
            yield venue
        finally:
            playing.cancel()
            server.close()
            for writer in venue.writers:
                writer.transport.abort()
            await asyncio.gather(*(writer.wait_closed() for writer in venue.writers), return_exceptions=True)


async def until(condition: Callable[[], bool], what: str, deadline_s: float = 20) -> None:
    """Wait until `condition` holds; fails when it does not within the deadline."""
    loop = asyncio.get_running_loop()
    ends = loop.time() + deadline_s
    while not condition():
        assert loop.time() < ends, f"waited in vain for {what}"
        await asyncio.sleep(0.005)

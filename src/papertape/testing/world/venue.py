"""A simulated Binance: its markets, its streams, its REST routes and its limits, without a socket.

Whoever breaks a limit of the venue is written down in `breaches`: how well a client behaves is a part of the truth.
"""

import asyncio
import json
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple, Protocol
from urllib.parse import parse_qs, urlsplit

from papertape.testing.world.chance import Chance
from papertape.testing.world.faults import Fault, Plan
from papertape.testing.world.market import FINER, Event, SimMarket
from papertape.testing.world.texts import Texts, compact, error

BATCH_S = 0.1
MEAN_MS = 25
"""Mean time between two things that happen on the first market; the others are slower."""
STILL_FAST_S, CALM_TIMES = 5.0, 8
"""So long after the storm it becomes this many times slower: then nothing is left to find out but whether all heals."""
STREAMS_MAX = 1_024
CONTROL_BYTES_MAX = 4_096
"""A larger control frame is ignored without a word."""
ATTEMPTS_MAX, ATTEMPTS_WINDOW_S = 300, 300.0
WEIGHT_WINDOW_S = 60
TRADES_MAX = 50
"""Prints in one answer. Worlds are short: with the venue's 1,000 every hole would be healed by the first."""
SNAPSHOTS_KEPT = 12
SNAPSHOT_EVERY_S = 1.0
PUBLIC = ("bookTicker", "depth@100ms")
WEIGHTS = {"depth": 50, "exchangeInfo": 20, "time": 1, "trades": 25, "historicalTrades": 25}
"""Request weights by route, for the sizes that are asked here."""


class Reply(NamedTuple):
    """What REST answers."""

    status: int
    body: bytes
    retry_after_s: float | None = None
    used_weight: int = 0


class About(NamedTuple):
    """Which piece of market data a frame holds; `id` is a trade id or a final update id."""

    symbol: str
    kind: type[Event]
    id: int


class Peer(Protocol):
    """The client's end of a connection, as the venue sees it."""

    def push(self, text: bytes, about: About | None = None) -> None:
        """Send one text frame; `about` is the market data that it holds, if any."""

    def end(self, why: str) -> None:
        """End the connection."""


class Door(NamedTuple):
    """One of the venue's WebSocket addresses: which streams may be heard there."""

    allows: Callable[[str], bool]
    streams: tuple[str, ...]


class Session:
    """One connection at the venue."""

    def __init__(self, peer: Peer, door: Door, messages_per_s: int) -> None:
        self.peer = peer
        self.streams = dict.fromkeys(door.streams)
        self._allows = door.allows
        self._messages_per_s = messages_per_s
        self._arrivals: deque[float] = deque(maxlen=messages_per_s + 1)

    def wants(self, stream: str) -> bool:
        """Whether this stream is sent here: subscribed to, and at an address that carries it."""
        return stream in self.streams and self._allows(stream)

    def is_too_fast(self, now_s: float) -> bool:
        """Take note of a message from the client; whether there are too many within a second."""
        self._arrivals.append(now_s)
        return len(self._arrivals) > self._messages_per_s and now_s - self._arrivals[0] < 1.0


class SimVenue:
    """The venue. `base_ns` is its time when the loop's is 0; steps of its clock come from the plan."""

    def __init__(self, seed: int, symbols: Sequence[str], plan: Plan, base_ns: int, *, usdm: bool) -> None:
        self.plan = plan
        self.usdm = usdm
        self.texts = Texts(usdm=usdm)
        self.markets = {
            symbol: SimMarket(
                symbol, leaps=usdm, chance=Chance(seed, "market", number), tell=partial(self._tell, symbol)
            )
            for number, symbol in enumerate(symbols)
        }
        self.sessions: list[Session] = []
        self.breaches: list[str] = []
        self.is_trading = True
        self.shared_s: dict[str, float] = {}
        """When something of a symbol was last sent over two connections at once."""
        self._base_ns = base_ns
        self._chance = Chance(seed, "venue")
        self._attempts: deque[float] = deque(maxlen=ATTEMPTS_MAX + 1)
        self._weight = self._minute = 0
        self._weight_max = 2_400 if usdm else 6_000
        self._old: dict[str, deque[tuple[float, bytes]]] = {symbol: deque(maxlen=SNAPSHOTS_KEPT) for symbol in symbols}

    @property
    def _now_s(self) -> float:
        return asyncio.get_running_loop().time()

    def now_ms(self) -> int:
        """The venue's clock."""
        now_s = self._now_s
        steps = sum(one.amount for one in self.plan.spells if one.fault is Fault.VENUE_CLOCK and one.start_s <= now_s)
        return self._base_ns // 1_000_000 + int(now_s * 1_000) + steps

    # The market.

    async def trade(self) -> None:
        """Let the markets live until they are told to stop, then tell what has changed last."""
        async with asyncio.TaskGroup() as group:
            for number, market in enumerate(self.markets.values()):
                group.create_task(self._beat(market, MEAN_MS * (number + 1)))

    async def _beat(self, market: SimMarket, mean_ms: int) -> None:
        batch_s, snapshot_s = BATCH_S, 0.0
        while self.is_trading:
            now_s = self._now_s
            slower = CALM_TIMES if now_s > self.plan.storm_s + STILL_FAST_S else 1
            await asyncio.sleep(self._chance.seconds(0.001, 2 * slower * mean_ms / 1e3))
            now_s = self._now_s
            if market.units_per_tick == FINER and self.plan.active(Fault.FINER, now_s, market.symbol):
                market.units_per_tick = 1
            market.beat(self.now_ms())
            if now_s >= batch_s:
                batch_s = now_s + BATCH_S
                market.batch(self.now_ms())
            if now_s >= snapshot_s:
                snapshot_s = now_s + SNAPSHOT_EVERY_S
                self._old[market.symbol].append((now_s, self._snapshot(market)))
        market.batch(self.now_ms())

    def _tell(self, symbol: str, event: Event) -> None:
        if self.plan.active(Fault.MUTE, self._now_s, symbol):
            return
        stream, text = self.texts.frame(self.markets[symbol], event, self.now_ms())
        about = About(symbol, type(event), event.ident)
        wanting = [session for session in self.sessions if session.wants(stream)]
        if len(wanting) > 1:
            self.shared_s[symbol] = self._now_s
        for session in wanting:
            session.peer.push(text, about)

    # Connections.

    def open(self, url: str, peer: Peer) -> Session | int:
        """Take a WebSocket connection; an HTTP status when it is refused."""
        now_s = self._now_s
        self._attempts.append(now_s)
        if len(self._attempts) > ATTEMPTS_MAX and now_s - self._attempts[0] < ATTEMPTS_WINDOW_S:
            self.breaches.append(f"at {now_s:.3f} s: more than {ATTEMPTS_MAX} connection attempts in 5 minutes")
        door = self._door(url)
        if door is None:
            return 404
        if len(door.streams) > STREAMS_MAX:
            self.breaches.append(f"at {now_s:.3f} s: {len(door.streams)} streams on one connection")
            return 400
        session = Session(peer, door, 10 if self.usdm else 5)
        self.sessions.append(session)
        return session

    def _door(self, url: str) -> Door | None:
        """What stands at a URL: `/stream?streams=a/b` or `/ws/a/b`, on USD-M below `/public` or `/market`."""
        parts = urlsplit(url)
        path = parts.path
        public: bool | None = None
        if self.usdm:
            for prefix, is_public in (("/public", True), ("/market", False)):
                if path.startswith(prefix + "/"):
                    path, public = path[len(prefix) :], is_public
            # An address without a prefix still connects, and hears only what is public.
            public = True if public is None else public
        if path == "/stream":
            streams = "/".join(parse_qs(parts.query).get("streams", []))
        elif path == "/ws" or path.startswith("/ws/"):
            streams = path[4:]
        else:
            return None

        def allows(stream: str) -> bool:
            return public is None or (stream.partition("@")[2] in PUBLIC) == public

        return Door(allows, tuple(one for one in streams.split("/") if one))

    def note_rivals(self, url: str) -> None:
        """Somebody is about to connect: a client that hears the same already has begun to look for doubles."""
        door = self._door(url)
        if door is not None and any(session.wants(one) for session in self.sessions for one in door.streams):
            self.shared_s.update(dict.fromkeys(self.markets, self._now_s))

    def close(self, session: Session) -> None:
        """The client is gone."""
        if session in self.sessions:
            self.sessions.remove(session)

    def receive(self, session: Session, text: bytes) -> None:
        """A text frame from the client."""
        if session not in self.sessions:
            return
        if session.is_too_fast(self._now_s):
            self.breaches.append(f"at {self._now_s:.3f} s: too many messages within a second on one connection")
            self.close(session)
            session.peer.end("closed by the peer: 1008 Too many requests")
            return
        if len(text) > CONTROL_BYTES_MAX:
            self.breaches.append(f"at {self._now_s:.3f} s: a control frame of {len(text)} bytes, which nobody reads")
            return
        request = json.loads(text)
        match request["method"]:
            case "SUBSCRIBE":
                session.streams |= dict.fromkeys(request["params"])
            case "UNSUBSCRIBE":
                for stream in request["params"]:
                    session.streams.pop(stream, None)
            case "LIST_SUBSCRIPTIONS":
                session.peer.push(compact({"result": list(session.streams), "id": request["id"]}))
                return
            case method:
                self.breaches.append(f"at {self._now_s:.3f} s: the method {method}, which does not exist")
        if len(session.streams) > STREAMS_MAX:
            self.breaches.append(f"at {self._now_s:.3f} s: {len(session.streams)} streams on one connection")
        session.peer.push(compact({"result": None, "id": request["id"]}))

    def announce_end(self) -> None:
        """Tell every connection that it is about to end."""
        data = {"e": "serverShutdown", "E": self.now_ms()}
        for session in self.sessions:
            session.peer.push(compact({"stream": "!serverShutdown", "data": data}))

    # REST.

    def ask(self, route: str, query: dict[str, str]) -> Reply:
        """Answer a REST question; limits are counted as the venue counts them."""
        minute = int(self._now_s) // WEIGHT_WINDOW_S
        if minute != self._minute:
            self._minute, self._weight = minute, 0
        limit = int(query.get("limit", "500"))
        self._weight += 250 if route == "depth" and limit > 1_000 else WEIGHTS.get(route, 1)
        if self._weight > self._weight_max:
            wait_s = WEIGHT_WINDOW_S - self._now_s % WEIGHT_WINDOW_S
            return Reply(429, error(-1003, "Too much request weight used"), float(int(wait_s) + 1), self._weight)
        return self._answer(route, query, limit)._replace(used_weight=self._weight)

    def _answer(self, route: str, query: dict[str, str], limit: int) -> Reply:
        if route in self.plan.unknown:
            return Reply(404, b"<html>Not found</html>")
        if route == "time":
            return Reply(200, compact({"serverTime": self.now_ms()}))
        if route == "exchangeInfo":
            return Reply(200, self.texts.exchange_info(list(self.markets.values()), self.now_ms()))
        market = self.markets.get(query.get("symbol", ""))
        if market is None:
            return Reply(400, error(-1121, "Invalid symbol."))
        if route == "depth":
            return Reply(200, self._depth(market, limit))
        limit = min(limit, TRADES_MAX)
        if route == "trades":
            return Reply(200, self.texts.trades(market, list(market.prints.values())[-limit:]))
        if route == "historicalTrades":
            first = int(query["fromId"]) if "fromId" in query else market.trade_id - limit + 1
            there = (market.prints.get(number) for number in range(first, first + limit))
            return Reply(200, self.texts.trades(market, [one for one in there if one is not None]))
        return Reply(404, b"<html>Not found</html>")

    def _depth(self, market: SimMarket, limit: int) -> bytes:
        stale = self.plan.active(Fault.STALE, self._now_s, market.symbol)
        old = [body for at_s, body in self._old[market.symbol] if stale and at_s <= self._now_s - stale.amount]
        return old[-1] if old else self._snapshot(market, limit)

    def _snapshot(self, market: SimMarket, limit: int = 5_000) -> bytes:
        return self.texts.snapshot(market, limit, self.now_ms())

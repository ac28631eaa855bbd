"""The exchange in a box: one loopback port that answers WebSocket and REST like a Binance venue, from a reel or a synthetic market."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web

from papertape.core.errors import InputError
from papertape.venue.breaking import Breaker
from papertape.venue.clock import ReelClock
from papertape.venue.control import ControlDesk, is_loopback
from papertape.venue.derived import Derived
from papertape.venue.fanout import Client, Fanout
from papertape.venue.faults.schema import AnyFault, FaultPlan
from papertape.venue.faults.tamper import Tamper
from papertape.venue.faults.timeline import Timeline
from papertape.venue.frames import rest_in_microseconds
from papertape.venue.gate import VenueGate
from papertape.venue.log import VenueLog
from papertape.venue.market import Market
from papertape.venue.orders.account import Key
from papertape.venue.orders.entry import Box, order_entry, place_of
from papertape.venue.orders.streams import UserStreams
from papertape.venue.parameters import RestError
from papertape.venue.playback import Playback
from papertape.venue.rest import RestDesk
from papertape.venue.rules import RULES, VenueName, VenueRules
from papertape.venue.scan import scan_reel
from papertape.venue.sockets import SocketDesk, refusal
from papertape.venue.sources import ReelSource, Source, SyntheticSource
from papertape.venue.synthetic.market import BEGIN_NS, Event, SyntheticMarket

WATCH_EVERY_S = 0.01
"""How exact faults are in time while the market is silent."""


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """What a box is given beside its market: faults to come, and the token of its control endpoint."""

    faults: FaultPlan = FaultPlan()
    token: str = ""
    keys: tuple[Key, ...] = ()
    """API keys with which orders may come; none means one `box` with the secret `box`."""


NOTHING_MORE = Setup()


class RunningVenue:
    """A running box; `running_venue` and `running_market` make one."""

    def __init__(
        self,
        source: Source,
        market: Market,
        rules: VenueRules,
        clock: ReelClock,
        group: asyncio.TaskGroup,
        setup: Setup,
    ) -> None:
        self.host = ""
        self.port = 0
        self._rules = rules
        self._group = group
        self._clock = clock
        self.log = VenueLog()
        """What happened so far."""
        timeline = Timeline(setup.faults, market.facts.symbols)
        tamper = Tamper(timeline)
        derived = Derived(market, rules, timeline.final_times)
        self._fanout = Fanout(market, rules, tamper, derived)
        self._sockets = SocketDesk(self._fanout, rules, self.log)
        self._rest = RestDesk(market, rules, derived)
        self._breaker = Breaker(timeline, tamper, self._sockets, market, clock)
        self._gate = VenueGate(rules, self._breaker, self.log)
        self._control = ControlDesk(timeline, self._breaker, self.log, self._since_opening_ns, setup.token)
        self._playback = Playback(source, market, self._fanout, self._clock, rules, self._close_slow, self._breaker)
        self._source = source
        self._market = market
        self._entry = order_entry(
            source.market if isinstance(source, SyntheticSource) else None,
            Box(
                rules, setup.keys, derived, lambda: self._fanout.clients, self._publish, self._venue_ms, self._market_ms
            ),
        )
        self.orders = self._entry.desk
        """The accounts and orders of clients; None where the box takes none."""
        self._runner = web.AppRunner(self._application(), access_log=None, shutdown_timeout=1.0)

    @property
    def market_began(self) -> asyncio.Event:
        """Set when the market has opened."""
        return self._playback.began

    @property
    def done(self) -> asyncio.Event:
        """Set when the last line has been sent."""
        return self._playback.done

    @property
    def ws_url(self) -> str:
        """Base of the WebSocket paths."""
        return f"ws://{self._authority}"

    @property
    def rest_url(self) -> str:
        """Base of the REST paths."""
        return f"http://{self._authority}"

    def report(self) -> dict[str, Any]:
        """What `GET /control` tells: faults, connections, requests, weights, breaches of limits."""
        return self._control.report()

    def add_faults(self, faults: Iterable[AnyFault]) -> None:
        """As `POST /control/faults`. Raises InputError for too many."""
        self._breaker.add(faults, self._since_opening_ns())

    async def start(self, host: str, port: int) -> None:
        """Listen (`port` 0: any free one) and get ready to play. Raises InputError when that cannot be."""
        if not is_loopback(host):
            raise InputError(f"host: expected a loopback address such as 127.0.0.1, was {host}")
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, host, port).start()
        except OSError as error:
            await self._runner.cleanup()
            raise InputError(
                f"{host}:{port}: expected a port to listen on, was refused ({error.strerror}); "
                "stop what uses it or choose another port"
            ) from error
        self.host, self.port = self._runner.addresses[0][:2]
        self._breaker.pass_to(0)
        self._tasks = [self._group.create_task(self._playback.run()), self._group.create_task(self._watch())]

    async def stop(self) -> None:
        """Close every connection and the port."""
        for task in self._tasks:
            task.cancel()
        await self._sockets.close_all()
        self._entry.close()
        await self._runner.cleanup()

    @property
    def _authority(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def _publish(self, events: list[Event]) -> None:
        """Tell what an order did to the market."""
        if isinstance(self._source, SyntheticSource):
            for frame, line in self._source.framed(events):
                self._fanout.spread(line, self._market.play(frame, line))
            self._fanout.flush()

    def _since_opening_ns(self) -> int:
        return self._clock.since_opening_ns(asyncio.get_running_loop().time())

    def _venue_ms(self) -> int:
        """The venue's time as it tells it; a fault may have set it wrong."""
        return self._market_ms() + self._breaker.jump_ms()

    def _market_ms(self) -> int:
        return self._clock.venue_ns(asyncio.get_running_loop().time()) // 1_000_000

    async def _watch(self) -> None:
        """Faults happen in time also when the market has nothing to tell."""
        while True:
            if self._breaker.next_ns is None:
                self._breaker.changed.clear()
                await self._breaker.changed.wait()
            self._breaker.pass_to(self._since_opening_ns())
            await asyncio.sleep(WATCH_EVERY_S)

    def _close_slow(self, client: Client) -> None:
        self._group.create_task(self._sockets.close_slow(client))

    def _application(self) -> web.Application:
        application = web.Application()
        for category in self._rules.categories:
            prefix = "" if category == "unrouted" else f"/{category}"
            serve = partial(self._sockets.serve, category=category, gate=self._gate)
            for path in ("/ws", "/ws/{streams:.*}", "/stream"):
                application.router.add_get(prefix + path, serve)
        for route in self._rest.routes:
            application.router.add_get(f"{self._rules.rest_prefix}/{route}", partial(self._answer, route=route))
        for name in self._entry.routes.routes:
            application.router.add_route(*place_of(name, self._rules), partial(self._answer, route=name))
        if self._entry.users:
            application.router.add_get("/ws-api/v3", partial(self._serve_user, users=self._entry.users))
        self._control.add_routes(application)
        return application

    async def _serve_user(self, request: web.Request, users: UserStreams) -> web.StreamResponse:
        try:
            self._gate.admit(request.remote or "")
        except RestError as error:
            return refusal(error)
        return await users.serve(request)

    async def _answer(self, request: web.Request, route: str) -> web.Response:
        query = dict(request.query)
        headers: dict[str, str] = {}
        try:
            with_key = route in self._entry.routes.routes
            weight = (self._entry.routes if with_key else self._rest).weight(route, query)
            await self._gate.charge(request.remote or "", route, weight, headers)
            time_unit = request.headers.get("X-MBX-TIME-UNIT", "MILLISECOND").upper()
            if time_unit not in ("MILLISECOND", "MICROSECOND"):
                raise RestError(-1194, f"Invalid value for time unit: expected MILLISECOND, was {time_unit}.")
            if with_key:
                answer = await self._entry.routes.answer(request, route, headers)
            else:
                if route == "depth":
                    self._breaker.stale(query.get("symbol", ""))
                answer = msgspec.json.encode(self._rest.answer(route, query, self._venue_ms()))
            if time_unit == "MICROSECOND" and self._rules.name == "binance-spot":
                answer = rest_in_microseconds(answer)
            response = web.Response(body=answer, content_type="application/json", charset="utf-8")
        except RestError as error:
            response = refusal(error)
        response.headers.update(headers)
        self.log.count(self.log.statuses, str(response.status))
        return response


@asynccontextmanager
async def running_venue(  # noqa: PLR0913 - a reel takes three words, its serving the rest
    reels: Sequence[str | Path],
    venue: VenueName,
    symbol: str,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    speed: float = 0,
    rules: VenueRules | None = None,
    setup: Setup = NOTHING_MORE,
) -> AsyncIterator[RunningVenue]:
    """A box that plays reels, and runs as long as the block does.

    `symbol` names whose depth snapshots the reel's bare inline ones are. `speed` divides the
    reel's inter-arrival times; 0 plays as fast as clients take it. `rules` replaces the venue's
    documented limits. Raises InputError for a reel, symbol or port that cannot be used, also
    while the block runs.
    """
    rules = rules or RULES[venue]
    market = Market(scan_reel(reels, symbol), rules)
    async with _running(ReelSource(reels), market, rules, _clock(market, speed), host, port, setup) as box:
        yield box


@asynccontextmanager
async def running_market(  # noqa: PLR0913 - a market takes three words, its serving the rest
    seed: int,
    symbols: Sequence[str],
    venue: VenueName = "binance-spot",
    *,
    port: int = 0,
    speed: float = 1,
    seconds: float | None = None,
    begin_ns: int | None = BEGIN_NS,
    rules: VenueRules | None = None,
    setup: Setup = NOTHING_MORE,
) -> AsyncIterator[RunningVenue]:
    """A box with a synthetic market, that runs as long as the block does.

    The market is a function of `seed`, `symbols` and `begin_ns`, its time at the opening in ns UTC, None for the time
    that it is then; real time only paces it, `speed` times as fast as real, 0 as fast as clients take it. It ends after so many `seconds` of its own time, or never.
    Raises InputError for a symbol that is not listed or a port that cannot be used.
    """
    rules = rules or RULES[venue]
    starts_ns, runs_from_s = (
        (begin_ns, None) if begin_ns is not None else (time.time_ns(), asyncio.get_running_loop().time())
    )
    synthetic = SyntheticMarket(seed, symbols, venue, starts_ns)
    source = SyntheticSource(synthetic, None if seconds is None else starts_ns + int(seconds * 1_000_000_000))
    market = Market(synthetic.facts(), rules)
    async with _running(source, market, rules, _clock(market, speed, runs_from_s), "127.0.0.1", port, setup) as box:
        yield box


def _clock(market: Market, speed: float, runs_from_s: float | None = None) -> ReelClock:
    if not 0 <= speed < float("inf"):
        raise InputError(f"speed: expected 0 (as fast as clients take it) or a positive number, was {speed}")
    return ReelClock(market, speed, runs_from_s)


@asynccontextmanager
async def _running(
    source: Source, market: Market, rules: VenueRules, clock: ReelClock, host: str, port: int, setup: Setup
) -> AsyncIterator[RunningVenue]:
    try:
        async with asyncio.TaskGroup() as group:
            box = RunningVenue(source, market, rules, clock, group, setup)
            await box.start(host, port)
            try:
                yield box
            finally:
                await box.stop()
    except BaseExceptionGroup as failures:
        if len(failures.exceptions) > 1:
            raise
        failure = failures.exceptions[0]
        raise failure from failure.__cause__

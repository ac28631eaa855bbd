"""The live side of the Binance wire machine: its connections, its REST answers, its recovery.

Every frame and answer goes through one `Intake`, in the order of arrival; this file decides only
when to connect, what to ask, and when to try again.
"""

import asyncio
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import urlsplit

from papertape.core.errors import ConnectFailed
from papertape.data.connectors.backoff import Backoff
from papertape.data.connectors.binance_backfill import Backfill
from papertape.data.connectors.binance_clock import ClockWatch
from papertape.data.connectors.binance_healing import Healing
from papertape.data.connectors.binance_listing import Listing
from papertape.data.connectors.binance_rest import BinanceRest, rest_bases
from papertape.data.connectors.binance_snapshots import Snapshots
from papertape.data.connectors.ports import HttpClient, Intake, Link, Transport
from papertape.data.connectors.weights import WeightGovernor
from papertape.data.wire.binance.control import NAMES_PER_FRAME_MAX
from papertape.data.wire.binance.machine import BinanceMachine

HEALTHY_S = 1.0
"""A connection that brought data and lasted this long begins its backoff anew."""
URL_BYTES_MAX = 4_000


class Network(NamedTuple):
    """The way to a venue: base URLs of its two servers, and what opens connections and asks questions.

    A connection that is silent for `silence_s`, pings included, counts as lost. REST questions are counted in
    `weights`; without, for this session alone.
    """

    ws_url: str
    rest_url: str
    transport: Transport
    http: HttpClient
    silence_s: float
    weights: WeightGovernor | None = None


class BinanceSession:
    """Keeps one market's symbols coming until it is cancelled.

    `reconnects` counts connections that came up again; `note` is told what happens, for the log.
    """

    def __init__(
        self,
        machine: BinanceMachine,
        intake: Intake,
        network: Network,
        now_ns: Callable[[], int],
        note: Callable[..., None],
    ) -> None:
        self._machine = machine
        self._intake = intake
        self._ws_url = network.ws_url.rstrip("/").removesuffix("/stream").removesuffix("/ws")
        weights = network.weights or WeightGovernor(None, machine.rules.weight_limit, now_ns)
        rest = BinanceRest(network.http, rest_bases(machine.rules, network.rest_url), machine.rules, weights)
        self._listing = Listing(machine, intake, rest, now_ns, note)
        self._snapshots = Snapshots(machine, intake, rest, note)
        self._healing = Healing(machine, intake, rest, note)
        self._clock = ClockWatch(intake, rest, note)
        self._backfill = Backfill(machine, intake, rest, note)
        self._network = network
        self.note = note
        self._last_at_loss: dict[str, int] = {}
        self._wishes = asyncio.Event()
        self.reconnects = 0
        self.connected = False

    async def list_symbols(self) -> None:
        """See `Listing.list_symbols`."""
        await self._listing.list_symbols()

    async def run(self) -> None:
        """Connect, and keep everything coming, until cancelled."""
        async with asyncio.TaskGroup() as group:
            symbols = [symbol.lower() for symbol in self._machine.feeds]
            for number, (route, names) in enumerate(self._machine.rules.routes):
                streams = [f"{symbol}@{name}" for symbol in symbols for name in names]
                group.create_task(self._keep_connected(number, route, streams))
            group.create_task(self._answer_wishes(group))
            group.create_task(self._clock.watch())
            group.create_task(self._listing.refresh())

    def look_for_wishes(self) -> None:
        """To be called after frames were taken."""
        if self._machine.shutdown_announced:
            self._machine.shutdown_announced = False
            self.note("the venue is about to end its connections")
        if self._machine.snapshot_wishes() or self._healing.unhealed() or self._backfill.wanted():
            self._wishes.set()

    async def finish(self) -> None:
        """See `Healing.finish`."""
        await self._healing.finish(self._last_at_loss)

    async def _keep_connected(self, number: int, route: str, streams: list[str]) -> None:
        backoff = Backoff()
        loop = asyncio.get_running_loop()
        had_link = False
        while True:
            try:
                link, first = await self._connect(route, streams)
            except ConnectFailed as error:
                self.note("not connected", connection=number, error=str(error))
            else:
                self.connected = True
                self.reconnects += had_link
                had_link = True
                since, frames = loop.time(), self._machine.frames
                self._intake.link_up(number)
                await self._hold(link, streams[first:], number)
                carries_depth = any("@depth" in name for name in streams)
                self._last_at_loss = {symbol: feed.trade_ids.last for symbol, feed in self._machine.feeds.items()}
                self._intake.link_down(number, list(self._machine.feeds) if carries_depth else [])
                if self._machine.frames > frames and loop.time() - since >= HEALTHY_S:
                    backoff.reset()
            await asyncio.sleep(backoff.next_s())

    async def _connect(self, route: str, streams: list[str]) -> tuple[Link, int]:
        """Open one connection; returns it and how many streams its URL has subscribed to.

        A server that does not know the market's route prefixes (404) is asked without them.
        """
        count = min(len(streams), NAMES_PER_FRAME_MAX)
        while len("/".join(streams[:count])) > URL_BYTES_MAX:
            count //= 2
        query = f"/stream?streams={'/'.join(streams[:count])}"
        prefix = "" if urlsplit(self._ws_url).path.rstrip("/") == route else route
        try:
            return await self._open(prefix + query), count
        except ConnectFailed as error:
            if not prefix or error.status != 404:
                raise
        return await self._open(query), count

    async def _open(self, path: str) -> Link:
        return await self._network.transport.connect(self._ws_url + path, self._intake.frame, self._network.silence_s)

    async def _hold(self, link: Link, rest: list[str], number: int) -> None:
        """Subscribe to the rest at the venue's pace, then wait for the end; the link is closed in any case."""
        try:
            async with asyncio.TaskGroup() as group:
                subscribing = group.create_task(self._subscribe(link, rest))
                why = await link.wait_closed()
                subscribing.cancel()
        finally:
            link.close()
        for refusal in self._machine.control.end():
            self.note("refused", error=refusal)
        self.note("connection ended", connection=number, why=why)

    async def _subscribe(self, link: Link, streams: list[str]) -> None:
        for request in self._machine.control.subscribe(streams):
            link.send(request)
            await asyncio.sleep(1 / self._machine.rules.control_messages_per_s)

    async def _answer_wishes(self, group: asyncio.TaskGroup) -> None:
        while True:
            await self._wishes.wait()
            self._wishes.clear()
            self._snapshots.begin(group)
            self._healing.begin(group)
            self._backfill.begin(group)

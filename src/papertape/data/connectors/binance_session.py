"""The live side of the Binance wire machine: its connections, its REST answers, its recovery.

Every frame and answer goes through one `Intake`, in the order of arrival; this file decides only
when to connect, what to ask, and when to try again.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import NamedTuple

from papertape.data.connectors.binance_backfill import Backfill
from papertape.data.connectors.binance_clock import ClockWatch
from papertape.data.connectors.binance_healing import Healing
from papertape.data.connectors.binance_listing import Listing
from papertape.data.connectors.binance_rest import BinanceRest, rest_bases
from papertape.data.connectors.binance_snapshots import Snapshots
from papertape.data.connectors.ports import HttpClient, Intake, Transport
from papertape.data.connectors.weights import WeightGovernor
from papertape.data.websocket_manager import WebSocketManager
from papertape.data.wire.binance.dialect import BinanceDialect
from papertape.data.wire.binance.machine import BinanceMachine
from papertape.data.wire.connection import Patience
from papertape.data.wire.endpoints import Endpoints


class Network(NamedTuple):
    """The way to a venue: base URLs of its servers, and what opens connections and asks questions.

    `ws_urls` stand in the order of preference. A connection that is silent for `silence_s`, pings included, counts as
    lost. REST questions are counted in `weights`; without, for this session alone.
    """

    ws_urls: tuple[str, ...]
    rest_url: str
    transport: Transport
    http: HttpClient
    silence_s: float
    weights: WeightGovernor | None = None


class BinanceSession:
    """Keeps one market's symbols coming until it is cancelled.

    `links` are its connections; `note` is told what happens, for the log.
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
        rules = machine.rules
        # Another server that speaks the protocol may read the text behind the streams as one of their names.
        is_own = set(network.ws_urls) <= {rules.ws_url, *rules.ws_backups}
        self._dialect = BinanceDialect(rules, machine.control, rules.time_unit if is_own else "")
        self._endpoints = Endpoints([self._dialect.base(url) for url in network.ws_urls])
        self.frame = intake.frame
        self.links = WebSocketManager(
            network.transport,
            self,
            Patience(silence_s=network.silence_s),
            note,
            clock_offset_ns=lambda: intake.clock_offset_ns,
        )
        weights = network.weights or WeightGovernor(None, machine.rules.weight_limit, now_ns)
        rest = BinanceRest(network.http, rest_bases(machine.rules, network.rest_url), machine.rules, weights)
        self._listing = Listing(machine, intake, rest, now_ns, note)
        self._snapshots = Snapshots(machine, intake, rest, note)
        self._healing = Healing(machine, intake, rest, note)
        self._backfill = Backfill(machine, intake, rest, note)
        self._clock = ClockWatch(intake, rest, note)
        self.note = note
        self._last_at_loss: dict[str, int] = {}
        self._wishes = asyncio.Event()

    @property
    def connected(self) -> bool:
        """Whether any connection ever came up."""
        return self.links.connected

    async def list_symbols(self) -> None:
        """See `Listing.list_symbols`."""
        await self._listing.list_symbols()

    async def run(self) -> None:
        """Connect, and keep everything coming, until cancelled."""
        async with self.links, asyncio.TaskGroup() as group:
            symbols = [symbol.lower() for symbol in self._machine.feeds]
            for route, names in self._machine.rules.routes:
                streams = [f"{symbol}@{name}" for symbol in symbols for name in names]
                self.links.open_streams(self._endpoints, self._dialect, route, streams)
            group.create_task(self._answer_wishes(group))
            group.create_task(self._clock.watch())
            group.create_task(self._listing.refresh())

    def look_for_wishes(self) -> None:
        """To be called after frames were taken."""
        if self._machine.shutdown_announced:
            self._machine.shutdown_announced = False
            self.links.look()
        if self._machine.control.refusals:
            self._tell_refusals()
        if self._machine.snapshot_wishes() or self._healing.unhealed() or self._backfill.wanted():
            self._wishes.set()

    def link_up(self, connection: int) -> None:
        """A connection came up."""
        self._intake.link_up(connection)

    def link_down(self, connection: int, streams: Sequence[str]) -> None:
        """A connection ended; where it carried depth, the books are lost, and prints may be missing that no later id tells of."""
        if streams:
            self._last_at_loss = {symbol: feed.trade_ids.last for symbol, feed in self._machine.feeds.items()}
        carried = {name.partition("@")[0] for name in streams if "@depth" in name}
        self._intake.link_down(connection, [symbol for symbol in self._machine.feeds if symbol.lower() in carried])

    def _tell_refusals(self) -> None:
        for refusal in self._machine.control.take_refusals():
            self.note("refused", error=refusal)

    async def finish(self) -> None:
        """See `Healing.finish`."""
        await self._healing.finish(self._last_at_loss)

    async def _answer_wishes(self, group: asyncio.TaskGroup) -> None:
        while True:
            await self._wishes.wait()
            self._wishes.clear()
            self._snapshots.begin(group)
            self._healing.begin(group)
            self._backfill.begin(group)

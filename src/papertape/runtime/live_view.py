"""What a person sees while papertape trades: markets, a book, accounts and fills on a terminal, else a line now and then.

Everything shown is read from the run itself.
"""

import asyncio
import sys
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import NamedTuple, Self

from rich.columns import Columns
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from papertape.core.fixed import format_fixed, format_trimmed
from papertape.core.instruments import MONEY_SCALE, Instrument
from papertape.paper_trading.engine.rows import Liquidity
from papertape.paper_trading.engine.run import Run
from papertape.paper_trading.engine.state_hash import EventView
from papertape.runtime.recording import Recording
from papertape.runtime.shell import Shell

LEVELS = 3
"""Of each side: so that the whole picture fits into the 24 lines of an ordinary terminal."""
FILLS_SHOWN = 5
BAR_CELLS = 10
WIDTH = 100
REFRESH_S = 0.125
LINE_EVERY_S = 2.0
RATE_OVER = 8
"""Refreshes over which frames per second are counted."""


class Feed(NamedTuple):
    """What comes in: how much so far, what it is called, whether its source is there, and how long it takes to be taken."""

    taken: Callable[[], int]
    unit: str
    connected: Callable[[], bool]
    latency_us: Callable[[int], int | None]
    """The time that this percentage of what came in stays below, in microseconds."""

    @classmethod
    def of(cls, recording: Recording) -> Self:
        """The frames of a recording."""
        machine, session = recording.machine, recording.session
        return cls(lambda: machine.frames, "frames", lambda: session.connected, recording.intake.latency.quantile_us)


class LiveView:
    """What comes in, and the run that trades it. `notes` holds the last thing that was noted of the way it comes."""

    def __init__(self, feed: Feed, run: Run, title: str, notes: deque[str]) -> None:
        self._feed = feed
        self._run = run
        self._title = title
        self._notes = notes
        self._seen: deque[tuple[float, int]] = deque(maxlen=RATE_OVER + 1)

    def look(self, now_s: float) -> None:
        """Take note of how many frames there are now."""
        self._seen.append((now_s, self._feed.taken()))

    def line(self) -> str:
        """Everything in one line."""
        view = self._run.engine.view()
        accounts = "  ".join(
            f"{one.name} {_money(self._run.engine.equity(number))} ({_fills(self._run, number)} fills)"
            for number, one in enumerate(view.accounts)
        )
        return f"{self._counters()}  {self._checks()}   {accounts}"

    def panel(self) -> Panel:
        """The whole picture."""
        instruments = self._run.engine.market.instruments
        first = next(iter(instruments), None)
        parts: list[RenderableType] = [
            Columns([self._markets(instruments), self._book(first)], padding=(0, 4)),
            "",
            self._accounts(instruments),
            "",
            self._fills(instruments),
            "",
            Text(f"{self._counters()}   {self._latency()}"),
            Text(self._checks()),
            self._health(),
        ]
        return Panel(Group(*parts), title=self._title, title_align="left", width=WIDTH)

    def _markets(self, instruments: dict[int, Instrument]) -> Table:
        table = _table(("symbol", "left"), ("bid", "right"), ("ask", "right"), ("last", "right"))
        rows = self._run.engine.states[0]["instruments"]
        for index, one in instruments.items():
            bid, ask, last = (int(rows[index][name]) for name in ("bid", "ask", "last"))
            higher = 2 * last >= bid + ask
            table.add_row(
                Text(one.symbol, "bold"),
                Text(_price(one, bid), "green"),
                Text(_price(one, ask), "red"),
                Text(_price(one, last) if last else "", "green" if higher else "red"),
            )
        return table

    def _book(self, index: int | None) -> Table:
        """The best levels of the first market, asks above bids; a bar is the size beside the largest one shown."""
        if index is None:
            return Table.grid()
        one = self._run.engine.market.instruments[index]
        table = _table((f"{one.symbol} book", "right"), ("size", "right"), ("", "left"))
        bids, asks = self._run.engine.market.levels(index, LEVELS)
        largest = max((size for _, size in (*asks, *bids)), default=1)
        for levels, colour in ((asks[::-1], "red"), (bids, "green")):
            for price, size in levels:
                bar = "█" * -(-size * BAR_CELLS // largest)
                table.add_row(_price(one, price), _size(one, size), bar.ljust(BAR_CELLS), style=colour)
        return table

    def _accounts(self, instruments: dict[int, Instrument]) -> Table:
        table = _table()
        table.add_column("account", min_width=8, no_wrap=True)
        for name, width in (("equity", 10), ("since start", 11), ("fees", 7), ("fills", 5), ("orders", 6)):
            table.add_column(name, justify="right", min_width=width, no_wrap=True)
        table.add_column("holds", no_wrap=True, overflow="ellipsis", ratio=1)
        view = self._run.engine.view()
        for number, account in enumerate(view.accounts):
            equity, seat = self._run.engine.equity(number), self._run.seats[number]
            gain = equity - seat.began_with
            held = [
                (instruments[one.instrument], one.size) for one in view.positions if one.account == number and one.size
            ]
            holds = ", ".join(f"{format_trimmed(size, one.size_scale)} {one.base}" for one, size in held)
            stopped = self._run.stopped.get(number)
            table.add_row(
                Text(account.name, "bold"),
                _money(equity),
                Text(f"{'+' if gain >= 0 else ''}{_money(gain)}", "green" if gain >= 0 else "red"),
                _money(account.fees),
                str(_fills(self._run, number)),
                str(sum(order.account == number for order in view.orders)),
                Text(f"stopped: {stopped}", "red") if stopped else Text(holds or "cash"),
            )
        return table

    def _fills(self, instruments: dict[int, Instrument]) -> Table:
        table = _table(("last fills", "left"), ("", "left"), ("", "right"), ("", "left"), ("", "right"), ("", "left"))
        latest = list(self._run.latest_fills)[-FILLS_SHOWN:]
        for fill in reversed(latest):
            table.add_row(*_fill_cells(fill, instruments[fill.instrument], self._run.engine.accounts[fill.account]))
        for _ in range(FILLS_SHOWN - len(latest)):
            table.add_row("")
        return table

    def _counters(self) -> str:
        (then_s, before), (now_s, count) = self._seen[0], self._seen[-1]
        rate = round((count - before) / (now_s - then_s)) if now_s > then_s else 0
        counts = self._run.engine.market.counts()
        return f"{self._feed.unit} {count} ({rate}/s)  records {counts.records}  trades {counts.prints}"

    def _latency(self) -> str:
        p50, p99 = self._feed.latency_us(50), self._feed.latency_us(99)
        return f"arrival to decision p50 {p50}, p99 {p99} µs" if p50 is not None else ""

    def _checks(self) -> str:
        counts = self._run.engine.market.counts()
        return (
            f"book against the venue's best prices: {counts.book_checks} checks, {counts.book_mismatches} mismatches; "
            f"sequence breaks {counts.sequence_breaks}"
        )

    def _health(self) -> Text:
        if self._run.engine.market.synced:
            return Text.assemble(("● ", "green"), "connected, every book is in step with the venue")
        state = "connected, waiting for the books" if self._feed.connected() else "connecting"
        return Text.assemble(("● ", "yellow"), ", ".join([state, *self._notes]))


async def watch(view: LiveView, shell: Shell, line_every_s: float = LINE_EVERY_S) -> None:
    """Show `view` on standard error until cancelled: on a terminal as a picture, else a line now and then."""
    now_s = asyncio.get_running_loop().time
    if not sys.stderr.isatty():
        while True:
            await asyncio.sleep(line_every_s)
            view.look(now_s())
            shell.say(view.line())
    with Live(console=Console(stderr=True, highlight=False), auto_refresh=False) as live:
        while True:
            view.look(now_s())
            live.update(view.panel(), refresh=True)
            await asyncio.sleep(REFRESH_S)


def _fill_cells(fill: EventView, one: Instrument, account: str) -> tuple[str | Text, ...]:
    bought = fill.side > 0
    at = datetime.fromtimestamp(fill.ts_ns / 1e9, UTC).strftime("%H:%M:%S")
    role = "resting order" if fill.liquidity == Liquidity.MAKER else "took from the book"
    return (
        at,
        account,
        Text("bought" if bought else "sold", "green" if bought else "red"),
        f"{format_trimmed(fill.size, one.size_scale)} {one.symbol}",
        f"at {_price(one, fill.price)}",
        role,
    )


def _fills(run: Run, account: int) -> int:
    return int(run.engine.states[0]["positions"]["fills"][account].sum())


def _table(*columns: tuple[str, str]) -> Table:
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    for name, side in columns:
        table.add_column(name, justify="right" if side == "right" else "left", no_wrap=True)
    return table


def _money(units: int) -> str:
    """Money with two decimals, for looking at."""
    return f"{Decimal(units).scaleb(-MONEY_SCALE):,.2f}"


def _price(one: Instrument, price: int) -> str:
    return format_fixed(price, one.price_scale)


def _size(one: Instrument, size: int) -> str:
    return format_fixed(size, one.size_scale)

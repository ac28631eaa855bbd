"""What a person sees while the demo runs: book, prints and counters on a terminal, else a line now and then.

Books and counters are the recorder's; the prints are read from the tape, as any other reader would follow it.
"""

import asyncio
import heapq
import sys
from collections import deque

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from papertape.core.book.rows import Book
from papertape.core.fixed import format_fixed
from papertape.core.records import Flag, Kind
from papertape.runtime.recording import Recording
from papertape.runtime.shell import Shell
from papertape.tape.follower import MarketFollower

LEVELS = 5
PRINTS_SHOWN = 2 * LEVELS
BAR_CELLS, NUMBER_CELLS = 16, 9
REFRESH_S = 0.125
LINE_EVERY_S = 2.0
RATE_OVER = 8
"""Refreshes over which frames per second are counted."""


class DemoView:
    """The state of a recording, told in a panel or a line. `notes` holds the last thing the session noted."""

    def __init__(self, recording: Recording, follower: MarketFollower, title: str, notes: deque[str]) -> None:
        self._recording = recording
        self._follower = follower
        self._title = title
        self._notes = notes
        self._prints: deque[tuple[int, int, bool]] = deque(maxlen=PRINTS_SHOWN)
        self._seen: deque[tuple[float, int]] = deque(maxlen=RATE_OVER + 1)

    def look(self, now_s: float) -> None:
        """Take what came since the last look."""
        for batch in self._follower.poll():
            records = batch.records
            for record in records[records["kind"] == Kind.PRINT][-PRINTS_SHOWN:]:
                sold = bool(record["flags"] & Flag.ASK)
                self._prints.append((int(record["price"]), int(record["size"]), sold))
        self._seen.append((now_s, self._recording.machine.frames))

    def line(self) -> str:
        """Everything in one line."""
        return f"{_headline(self._book()).plain}   {self._counters()}  {self._checks()}"

    def panel(self) -> Panel:
        """The whole picture."""
        book = self._book()
        sides = Table.grid(padding=(0, 2))
        sides.add_row(_ladder(book), self._tape_of_prints(book))
        latency = self._recording.recorder.latency
        p50, p99 = latency.quantile_us(50), latency.quantile_us(99)
        arrival = f"from arrival to tape  p50 {p50} µs  p99 {p99} µs" if p50 is not None else ""
        return Panel(
            Group(_headline(book), "", sides, "", f"{self._counters()}  {arrival}", self._checks(), self._health(book)),
            title=self._title,
            title_align="left",
            width=84,
        )

    def _book(self) -> Book | None:
        return next(iter(self._recording.recorder.market.books.values()), None)

    def _counters(self) -> str:
        (then_s, before), (now_s, frames) = self._seen[0], self._seen[-1]
        rate = round((frames - before) / (now_s - then_s)) if now_s > then_s else 0
        records = self._recording.recorder.market.counts().records
        return f"frames {frames} ({rate}/s)  records {records}"

    def _checks(self) -> str:
        counts = self._recording.recorder.market.counts()
        return (
            f"book checks {counts.book_checks}, mismatches {counts.book_mismatches}  "
            f"prints {counts.prints}  sequence breaks {counts.sequence_breaks}"
        )

    def _tape_of_prints(self, book: Book | None) -> Table:
        table = _columns("last prints", "size")
        if book is not None:
            for price, size, sold in reversed(self._prints):
                colour, who = ("red", "sold") if sold else ("green", "bought")
                table.add_row(_price(book, price), _size(book, size), who, style=colour)
        return table

    def _health(self, book: Book | None) -> Text:
        if book is not None and book.synced:
            return Text.assemble(("● ", "green"), "connected, the book is in step with the venue")
        state = "connected, waiting for the book" if self._recording.session.connected else "connecting"
        return Text.assemble(("● ", "yellow"), ", ".join([state, *self._notes]))


async def watch(view: DemoView, shell: Shell) -> None:
    """Show `view` on standard error until cancelled."""
    now_s = asyncio.get_running_loop().time
    if not sys.stderr.isatty():
        while True:
            await asyncio.sleep(LINE_EVERY_S)
            view.look(now_s())
            shell.say(view.line())
    with Live(console=Console(stderr=True, highlight=False), auto_refresh=False) as live:
        while True:
            view.look(now_s())
            live.update(view.panel(), refresh=True)
            await asyncio.sleep(REFRESH_S)


def _headline(book: Book | None) -> Text:
    if book is None or not book.synced:
        return Text("waiting for the first book …", "dim")
    bid, bid_size, ask, ask_size = book.top
    return Text.assemble(
        (book.instrument.symbol, "bold"),
        "   bid ",
        (_price(book, bid), "green"),
        f" x {_size(book, bid_size)}   ask ",
        (_price(book, ask), "red"),
        f" x {_size(book, ask_size)}   spread {_price(book, ask - bid)}",
    )


def _ladder(book: Book | None) -> Table:
    """The best levels, asks above bids; a bar is the size beside the largest one shown."""
    table = _columns("book", "size")
    asks = heapq.nsmallest(LEVELS, book.asks.items()) if book else []
    bids = heapq.nlargest(LEVELS, book.bids.items()) if book else []
    largest = max((size for _, size in (*asks, *bids)), default=1)
    for levels, count, colour in ((asks[::-1], LEVELS - len(asks), "red"), (bids, LEVELS - len(bids), "green")):
        for price, size in levels:
            assert book is not None
            bar = "█" * -(-size * BAR_CELLS // largest)
            table.add_row(_price(book, price), _size(book, size), bar.ljust(BAR_CELLS), style=colour)
        for _ in range(count):
            table.add_row("", "", "")
    return table


def _columns(*names: str) -> Table:
    """Columns of numbers under `names`, and one without a name."""
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    for name in names:
        table.add_column(name, justify="right", min_width=NUMBER_CELLS)
    table.add_column("")
    return table


def _price(book: Book, price: int) -> str:
    return format_fixed(price, book.instrument.price_scale)


def _size(book: Book, size: int) -> str:
    return format_fixed(size, book.instrument.size_scale)

"""Who is woken by what: the kernels' tables of feeds and bars, and the seats behind their rows."""

from typing import TYPE_CHECKING, Any

from papertape.core.bars import BarSource
from papertape.core.errors import DataError
from papertape.core.instruments import Instrument
from papertape.paper_trading.engine.rows import BARS_MAX, NONE, SUBSCRIPTIONS_MAX, Feed

if TYPE_CHECKING:
    from papertape.paper_trading.engine.engine import Engine
    from papertape.paper_trading.engine.seat import Seat


class Wakes:
    """Subscriptions of a run."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self.feeds: list[tuple[Seat, Feed, Instrument]] = []
        """By row of the kernels' table: who is woken, by which feed, of which instrument."""
        self._numbers: list[int] = []
        self.bars: list[tuple[int, int, BarSource, list[Seat]]] = []
        """By slot: instrument, interval, source, and who is woken."""

    def follow_feed(self, seat: "Seat", feed: Feed, instrument: int, every: int) -> None:
        """Wake `seat` by one in `every` of a feed. Raises DataError when there is no room."""
        row = len(self.feeds)
        if row == SUBSCRIPTIONS_MAX:
            raise DataError(f"expected at most {SUBSCRIPTIONS_MAX} subscriptions in a run, was one more")
        state = self._engine.states[0]
        feeds = state["instruments"]["feeds"]
        state["subscriptions"][row] = (seat.index, feed, instrument, every, every, NONE)
        if feeds[instrument, feed] == NONE:
            feeds[instrument, feed] = row
        else:
            last = max(
                k
                for k, ((_, other, _), of) in enumerate(zip(self.feeds, self._numbers, strict=True))
                if (other, of) == (feed, instrument)
            )
            state["subscriptions"][last]["next"] = row
        self.feeds.append((seat, feed, self._engine.market.instruments[instrument]))
        self._numbers.append(instrument)

    def name_instruments(self, instruments: dict[int, Instrument]) -> None:
        """Instruments were listed, perhaps anew."""
        self.feeds[:] = [
            (seat, feed, instruments[number]) for (seat, feed, _), number in zip(self.feeds, self._numbers, strict=True)
        ]

    def follow_bars(self, seat: "Seat", instrument: int, interval_ns: int, source: BarSource) -> None:
        """Wake `seat` with bars; who asks for the same bars shares them. Raises DataError when there is no room."""
        for of, interval, from_, seats in self.bars:
            if (of, interval, from_) == (instrument, interval_ns, source):
                if seat not in seats:
                    seats.append(seat)
                return
        slot = len(self.bars)
        if slot == BARS_MAX:
            raise DataError(f"expected at most {BARS_MAX} kinds of bars in a run, was one more")
        state = self._engine.states[0]
        row = state["bars"][slot]
        row["state"]["source"], row["state"]["interval_ns"] = source, interval_ns
        row["next"] = state["instruments"]["bars"][instrument]
        state["instruments"]["bars"][instrument] = slot
        self.bars.append((instrument, interval_ns, source, [seat]))

    def export(self) -> dict[str, Any]:
        """Whose the rows of the kernels' tables are."""
        feeds = [
            [seat.index, int(feed), number] for (seat, feed, _), number in zip(self.feeds, self._numbers, strict=True)
        ]
        bars = [
            [of, interval, int(source), [seat.index for seat in seats]] for of, interval, source, seats in self.bars
        ]
        return {"feeds": feeds, "bars": bars}

    def restore(self, saved: dict[str, Any], seats: dict[int, "Seat"]) -> None:
        """Take back what `export` gave; the tables themselves stand in the engine's state."""
        instruments = self._engine.market.instruments
        self._numbers = [number for _, _, number in saved["feeds"]]
        self.feeds[:] = [(seats[index], Feed(feed), instruments[number]) for index, feed, number in saved["feeds"]]
        self.bars = [
            (instrument, interval, BarSource(source), [seats[index] for index in who])
            for instrument, interval, source, who in saved["bars"]
        ]

"""Orders without code: a list of orders with the engine times at which they are sent, and what became of each."""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from papertape.core.fixed import MANTISSA_MAX, SCALE_MAX, Rounding, divide, format_trimmed
from papertape.core.instruments import Instrument
from papertape.paper_trading.engine import facts
from papertape.paper_trading.engine.rows import EventKind, OrderType, Reason, Side, TimeInForce
from papertape.paper_trading.engine.seat import units_of
from papertape.paper_trading.engine.state_hash import EventView

if TYPE_CHECKING:
    from papertape.paper_trading.engine.run import Run

NOT_SENT = "not_sent"
"""Reason of an order whose time the market did not reach."""
AVERAGE_DECIMALS = 4
"""An average price has at most so many decimals more than a price."""
_CANCEL, _SUBMIT = 0, 1
_ENDS = (EventKind.REJECTED, EventKind.CANCELLED, EventKind.EXPIRED)


class PlannedPrice(NamedTuple):
    """A price as decimal text; with an `anchor`, "bid" or "ask", so many ticks from the best price when it is sent."""

    anchor: str
    text: str
    ticks: int


class PlannedOrder(NamedTuple):
    """One order. Market orders have no price; `cancel_ns` is None when nobody cancels it. Times are engine time."""

    ts_ns: int
    account: int
    symbol: str
    side: Side
    type: OrderType
    tif: TimeInForce
    price: PlannedPrice | None
    size: str
    cancel_ns: int | None


class OrderResult(NamedTuple):
    """What became of an order: numbers as decimal text, no average price without a fill.

    `ts_ns` is the time of its last fill; of its end if there was none; of the end of the market if that is still to come.
    """

    status: str
    exec_qty: str
    exec_price: str
    ts_ns: int
    reason: str


@dataclass
class _Track:
    """What is known of one order. Sums are at 18 decimals, so that they outlast a change of the instrument's scales."""

    number: int = 0
    price_scale: int = 0
    filled: int = 0
    value: int = 0
    ts_ns: int = 0
    whole: bool = False
    end: str = ""
    reason: str = ""

    @property
    def ended(self) -> bool:
        return self.whole or bool(self.end)


class OrderPlayer:
    """Sends a list of orders into a run, `Run.follow`, and keeps what became of them. `next_ns` is when it must be called."""

    def __init__(self, orders: Sequence[PlannedOrder]) -> None:
        self._orders = orders
        self._tracks = [_Track() for _ in orders]
        self._places: dict[int, int] = {}
        # At one time, cancels come before new orders: they free what these may need.
        self._steps = [(order.ts_ns, _SUBMIT, place) for place, order in enumerate(orders)]
        self._steps += [
            (one.cancel_ns, _CANCEL, place) for place, one in enumerate(orders) if one.cancel_ns is not None
        ]
        heapq.heapify(self._steps)

    @property
    def next_ns(self) -> int:
        """Engine time of what is to be sent next."""
        return self._steps[0][0] if self._steps else MANTISSA_MAX

    def act(self, run: "Run") -> None:
        """Send what is due at engine time."""
        while self.next_ns <= run.engine.now_ns:
            _, step, place = heapq.heappop(self._steps)
            if step == _SUBMIT:
                self._submit(run, place)
            elif self._tracks[place].number and not self._tracks[place].ended:
                run.carry_out(self._orders[place].account, facts.CANCEL, (self._tracks[place].number,))

    def _submit(self, run: "Run", place: int) -> None:
        order, track = self._orders[place], self._tracks[place]
        track.ts_ns = run.engine.now_ns
        index = run.symbols.get(order.symbol)
        if index is None:
            track.end, track.reason = "rejected", _name(Reason.NOT_LISTED)
            return
        one = run.engine.market.instruments[index]
        price = _price_now(run, index, one, order.price) if order.price else 0
        if price is None:
            track.end, track.reason = "rejected", _name(Reason.NO_MARKET)
            return
        size = units_of(order.size, one.size_scale)
        arguments = (index, int(order.side), int(order.type), int(order.tif), price, size)
        track.number = run.carry_out(order.account, facts.SUBMIT, arguments)
        self._places[track.number] = place

    def learn(self, events: Sequence[EventView], instruments: dict[int, Instrument]) -> None:
        """Take what happened."""
        for event in events:
            place = self._places.get(event.order)
            if place is None:
                continue
            track = self._tracks[place]
            if event.kind == EventKind.FILL:
                one = instruments[event.instrument]
                size = event.size * 10 ** (SCALE_MAX - one.size_scale)
                track.filled += size
                track.value += size * event.price * 10 ** (SCALE_MAX - one.price_scale)
                track.price_scale, track.ts_ns, track.whole = one.price_scale, event.ts_ns, not event.rest
            elif event.kind in _ENDS:
                track.end = "rejected" if event.kind == EventKind.REJECTED else "expired"
                track.reason = _name(Reason(event.reason))
                if not track.filled:
                    track.ts_ns = event.ts_ns

    def results(self, now_ns: int) -> list[OrderResult]:
        """What became of every order, in the order of the list, when the market ends at `now_ns`."""
        return [_result(track, now_ns) for track in self._tracks]


def _price_now(run: "Run", index: int, instrument: Instrument, price: PlannedPrice) -> int | None:
    """The price in units; None when it hangs on a best price that is not there."""
    if not price.anchor:
        return units_of(price.text, instrument.price_scale)
    best = int(run.engine.states[0]["instruments"][index][price.anchor])
    return best + price.ticks * instrument.tick if best else None


def _result(track: _Track, now_ns: int) -> OrderResult:
    status, reason = track.end, track.reason
    if track.whole:
        status, reason = "filled", ""
    elif track.filled:
        status = "partial"
    elif not track.end:
        status, reason = ("open", "") if track.number else ("rejected", NOT_SENT)
    if not track.filled:
        return OrderResult(status, "0", "", track.ts_ns if track.end else now_ns, reason)
    scale = min(track.price_scale + AVERAGE_DECIMALS, SCALE_MAX)
    average = divide(track.value, track.filled * 10 ** (SCALE_MAX - scale), Rounding.HALF_EVEN)
    return OrderResult(
        status, format_trimmed(track.filled, SCALE_MAX), format_trimmed(average, scale), track.ts_ns, reason
    )


def _name(reason: Reason) -> str:
    return reason.name.lower()

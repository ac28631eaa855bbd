"""A small spot market made from a seed, as the reel that a recorder of it would have kept.

A book with price-time priority under random order flow: limit orders, cancels and market orders, each level change an
update id and each fill a trade id, as Binance spot counts them. The same seed makes the same bytes.
"""

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from papertape.core.draws import draw_below, purpose_id
from papertape.core.errors import InputError
from papertape.core.fixed import format_fixed

SYMBOL = "BTCUSDT"
BEGIN_NS = 1_767_225_600_000_000_000
"""The market opens at 2026-01-01 00:00 UTC, whenever it is made."""
DEPTH_EVERY_NS = 100_000_000
SNAPSHOT_AFTER_NS = 220_000_000
"""After the second depth event, as a recorder asks for it once it hears some."""
LAG_NS = 3_000_000
"""From the venue to the recorder."""
ORDER_EVERY_MAX_NS = 6_000_000
LEAN_EVERY_NS = 1_000_000_000
"""How long buyers, or sellers, stay the more eager ones."""

MAGNITUDES = (10, 100, 1_000, 10_000)
"""An order is 1 to 99 of one of these, in lots."""
SWEEP_EVERY = 4
"""One market order in so many may be a large one, which moves the price."""

PRICE_SCALE, SIZE_SCALE = 2, 5
OPENING_PRICE = 64_000_00
OPENING_ORDERS = 600
"""Per side; the flow keeps the book near this size."""
LEVELS_MIN = 100
"""A side with fewer levels gets limit orders only, so that it never runs empty."""

_FLOW = purpose_id("venue.seeded_reel")


class _Side:
    """Orders of one side: per price their sizes, oldest first. Keys are prices, negative for bids: the best is the least."""

    def __init__(self, sign: int) -> None:
        self.sign = sign
        self.keys: list[int] = []
        self.queues: dict[int, deque[int]] = {}
        self.orders = 0
        self.changed: dict[int, None] = {}

    @property
    def best(self) -> int:
        return self.keys[0] * self.sign

    def add(self, price: int, size: int) -> None:
        key = price * self.sign
        if key not in self.queues:
            insort(self.keys, key)
            self.queues[key] = deque()
        self.queues[key].append(size)
        self.orders += 1
        self.changed[key] = None

    def remove(self, key: int, place: int) -> None:
        del self.queues[key][place]
        if not self.queues[key]:
            del self.queues[key], self.keys[bisect_left(self.keys, key)]
        self.orders -= 1
        self.changed[key] = None

    def fill_best(self, size: int) -> int:
        """Fill the oldest order of the best price with up to `size`; returns how much."""
        key = self.keys[0]
        filled = min(size, self.queues[key][0])
        self.queues[key][0] -= filled
        self.changed[key] = None
        if not self.queues[key][0]:
            self.remove(key, 0)
        return filled

    def level(self, key: int) -> str:
        return f'["{_price(key * self.sign)}","{_size(sum(self.queues.get(key, ())))}"]'

    def levels(self, keys: list[int]) -> str:
        return ",".join(map(self.level, keys))

    def take_changed(self) -> str:
        text = self.levels(sorted(self.changed))
        self.changed.clear()
        return text


class _Flow:
    """The market: its book, and the orders that come."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._draws = 0
        self.bids, self.asks = _Side(-1), _Side(1)
        self.update_id = 60_000_000_000
        self._first_id = self.update_id + 1
        self._trade_id = 4_000_000_000
        self._lean = 50
        for _ in range(OPENING_ORDERS):
            for side in (self.bids, self.asks):
                side.add(OPENING_PRICE + side.sign * (1 + self._distance()), self._amount(3))
        self.bids.changed.clear()
        self.asks.changed.clear()
        self._top = self._ticker()

    def below(self, bound: int) -> int:
        """The next draw."""
        self._draws += 1
        return draw_below(bound, self._seed, _FLOW, 0, self._draws)

    def _distance(self) -> int:
        """Ticks from the best price: mostly few, some up to thousands."""
        return self.below(2 << self.below(12))

    def _amount(self, magnitudes: int) -> int:
        return (1 + self.below(99)) * MAGNITUDES[self.below(magnitudes)]

    def turn(self) -> None:
        """Draw anew who is the more eager."""
        self._lean = 35 + self.below(31)

    def order(self, ms: int) -> Iterator[str]:
        """One order comes; its frames."""
        what, orders = self.below(100), self.bids.orders + self.asks.orders
        thin = min(len(self.bids.keys), len(self.asks.keys)) < LEVELS_MIN
        if thin or what < (60 if orders < 2 * OPENING_ORDERS else 35):
            self._limit()
        elif what < 82:
            self._cancel()
        else:
            yield from self._market(ms)
        top = self._ticker()
        if top != self._top:
            self._top = top
            yield _frame("bookTicker", f'{{"u":{self.update_id},"s":"{SYMBOL}",{top}}}')

    def _limit(self) -> None:
        side, other = (self.bids, self.asks) if self.below(2) else (self.asks, self.bids)
        spread = self.asks.best - self.bids.best
        price = side.best
        if self.below(100) < 20:
            price -= side.sign * self.below(spread)
        else:
            price += side.sign * self._distance()
        assert (other.best - price) * side.sign < 0, "a limit order rests"
        side.add(price, self._amount(3))
        self.update_id += 1

    def _cancel(self) -> None:
        side = self.bids if self.below(2) else self.asks
        key = side.keys[min(self.below(2 << self.below(9)), len(side.keys) - 1)]
        side.remove(key, self.below(len(side.queues[key])))
        self.update_id += 1

    def _market(self, ms: int) -> Iterator[str]:
        buys = self.below(100) < self._lean
        side = self.asks if buys else self.bids
        size = self._amount(3 if self.below(SWEEP_EVERY) else 4)
        while size and len(side.keys) > 1:
            price = side.best
            filled = side.fill_best(size)
            size -= filled
            self.update_id += 1
            self._trade_id += 1
            yield _frame(
                "trade",
                f'{{"e":"trade","E":{ms},"s":"{SYMBOL}","t":{self._trade_id},"p":"{_price(price)}",'
                f'"q":"{_size(filled)}","T":{ms},"m":{"false" if buys else "true"},"M":true}}',
            )

    def _ticker(self) -> str:
        bid, ask = (side.level(side.keys[0])[1:-1].partition(",") for side in (self.bids, self.asks))
        return f'"b":{bid[0]},"B":{bid[2]},"a":{ask[0]},"A":{ask[2]}'

    def depth(self, ms: int) -> Iterator[str]:
        """The depth event of what changed since the last one; none when nothing did."""
        if self.update_id >= self._first_id:
            yield _frame(
                "depth@100ms",
                f'{{"e":"depthUpdate","E":{ms},"s":"{SYMBOL}","U":{self._first_id},"u":{self.update_id},'
                f'"b":[{self.bids.take_changed()}],"a":[{self.asks.take_changed()}]}}',
            )
            self._first_id = self.update_id + 1

    def snapshot(self) -> str:
        """The whole book, as REST would answer."""
        bids, asks = (side.levels(side.keys) for side in (self.bids, self.asks))
        return f'{{"lastUpdateId":{self.update_id},"bids":[{bids}],"asks":[{asks}]}}'


def seeded_lines(seed: int, seconds: float) -> Iterator[str]:
    """The lines of a reel of so many seconds: `@trade`, `@bookTicker`, `@depth@100ms`, and one inline snapshot."""
    flow = _Flow(seed)
    order_ns, lean_ns, depth_ns = 0, 0, DEPTH_EVERY_NS
    snapshot_due = True
    end_ns = int(seconds * 1_000_000_000)
    while order_ns < end_ns:
        order_ns += 1 + flow.below(ORDER_EVERY_MAX_NS)
        while depth_ns <= order_ns:
            for frame in flow.depth(_ms(depth_ns)):
                yield _line(depth_ns, frame)
            depth_ns += DEPTH_EVERY_NS
        if snapshot_due and order_ns >= SNAPSHOT_AFTER_NS:
            yield _line(SNAPSHOT_AFTER_NS, flow.snapshot())
            snapshot_due = False
        if lean_ns <= order_ns:
            flow.turn()
            lean_ns += LEAN_EVERY_NS
        for frame in flow.order(_ms(order_ns)):
            yield _line(order_ns, frame)


def write_seeded_reel(path: Path, seed: int, seconds: float) -> None:
    """Write `seeded_lines` as the reel `path`, which must not end in .gz or .zst. Raises InputError when it cannot."""
    try:
        with path.open("x", encoding="ascii", newline="\n") as stream:
            stream.writelines(seeded_lines(seed, seconds))
    except OSError as error:
        raise InputError(f"reel {path} cannot be written: {error.strerror or error}") from error


def _line(at_ns: int, text: str) -> str:
    return f"{BEGIN_NS + at_ns + LAG_NS} {text}\n"


def _ms(at_ns: int) -> int:
    return (BEGIN_NS + at_ns) // 1_000_000


def _frame(stream: str, data: str) -> str:
    return f'{{"stream":"{SYMBOL.lower()}@{stream}","data":{data}}}'


def _price(ticks: int) -> str:
    return format_fixed(ticks * 10 ** (8 - PRICE_SCALE), 8)


def _size(lots: int) -> str:
    return format_fixed(lots * 10 ** (8 - SIZE_SCALE), 8)

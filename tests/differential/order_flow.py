"""Random worlds for engines: a market of two instruments with everything that can go wrong, and orders sent into it.

`scenario(seed)` makes one world, `play` feeds it to an engine. Prices move by a few ticks around a middle and sizes are
small, so that orders rest, wait in the queue, are filled in parts, cross and are triggered.
"""

import random
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import msgspec
import numpy as np

from papertape.core.instruments import Instrument, InstrumentKind, instrument_event
from papertape.core.records import WHOLE, Flag, GapCause, Kind, Link, PrintCause, RecordBuffer, Verdict, as_records
from papertape.paper_trading.engine.rows import OrderType, Side, TimeInForce
from papertape.paper_trading.engine.terms import Terms

START_NS = 1_700_000_000_000_000_000
MS = 1_000_000
MONEY = 10**8
UNLISTED = 7
"""A number that no instrument of a scenario has."""
UNKNOWN_ORDER = 999_999_999

SPOT = Instrument(
    venue="test",
    symbol="SPOT",
    kind=InstrumentKind.CRYPTO_SPOT,
    base="AAA",
    quote="USDT",
    settle="USDT",
    price_scale=2,
    size_scale=3,
    tick=5,
    lot=100,
    min_size=200,
    max_size=60_000,
    min_notional=25 * 10**5,
)
PERPETUAL = Instrument(
    venue="test",
    symbol="PERP",
    kind=InstrumentKind.LINEAR_PERPETUAL,
    base="BBB",
    quote="USDT",
    settle="USDT",
    price_scale=6,
    size_scale=3,
    tick=5,
    lot=7,
    min_size=7_000,
    max_size=70_000_000,
    min_notional=10**9,
)
"""Price and size have nine decimals together, so that values are rounded; a tick is a third of a percent."""


class Engine(Protocol):
    """What a scenario asks of an engine."""

    def open_account(self, name: str, cash: int, leverage: int = 1) -> int: ...
    def take(self, records: Any) -> None: ...
    def settle(self) -> None: ...
    def submit(self, account: int, instrument: int, side: int, type: int, tif: int, price: int, size: int) -> int: ...  # noqa: A002
    def cancel(self, account: int, order: int) -> None: ...
    def amend(self, account: int, order: int, price: int, size: int) -> None: ...


Command = tuple[int, str, tuple[Any, ...]]
"""Position in the records, method, arguments; `cancel` and `amend` name an order by its place among the submits."""


class Scenario(NamedTuple):
    """One world. `terms` are asked for each instrument when it is listed."""

    seed: int
    terms: Callable[[Instrument], Terms]
    records: "np.ndarray[Any, np.dtype[Any]]"
    commands: list[Command]


def scenario(seed: int) -> Scenario:
    """The world of `seed`; the same seed gives the same world."""
    return _Flow(seed).run()


def play(engine: Engine, world: Scenario, batch: int) -> None:
    """Feed the world to an engine, at most `batch` records at once, with the commands in between."""
    at, ids = 0, []
    for position, method, args in [*world.commands, (len(world.records), "settle", ())]:
        while at < position:
            end = min(position, at + batch)
            while not world.records["flags"][end - 1] & Flag.LAST:  # batches are whole events
                end += 1
            engine.take(world.records[at:end])
            at = end
        if method == "submit":
            ids.append(engine.submit(*args))
        elif method in ("cancel", "amend"):
            account, nth, *values = args
            getattr(engine, method)(account, ids[nth] if nth < len(ids) else UNKNOWN_ORDER, *values)
        else:
            getattr(engine, method)(*args)


class _Sent(NamedTuple):
    """An order as it was sent, by the account and to the instrument with these numbers."""

    account: int
    instrument: int
    side: int
    price: int
    size: int


class _Venue:
    """The venue's own book of one instrument, in ticks, and the ids that it has given."""

    def __init__(self, index: int, instrument: Instrument, middle: int, depth: int, rng: random.Random) -> None:
        self.index, self.instrument, self.middle, self.home, self.rng = index, instrument, middle, middle, rng
        self.update_id, self.trade_id = 100, 0
        self.in_step = False
        # Where orders were sent to of late, in ticks: the market likes to go there.
        self.wanted: deque[tuple[int, int]] = deque(maxlen=16)
        self.sides: dict[int, dict[int, int]] = {
            side: {middle - side * away: self.size() if away < 9 else instrument.lot for away in range(1, depth + 1)}
            for side in Side
        }

    def size(self) -> int:
        """A size as orders have it; that of the perpetual has many digits."""
        lots = self.rng.randrange(1, 20) if self.index == 0 else self.rng.randrange(20_000, 2_000_000)
        return lots * self.instrument.lot

    def price(self, away: int) -> int:
        """A price so many ticks from the middle."""
        return (self.middle + away) * self.instrument.tick

    def best(self, side: int) -> int:
        """The best price of a side in ticks, 0 when it is empty."""
        return max(self.sides[side], key=lambda price: price * side, default=0)

    def move(self) -> list[tuple[int, int, int]]:
        """Let the book change; the levels that did, as (side, price in ticks, size)."""
        rng, changed = self.rng, {}
        step = rng.choice((0, 0, 0, 1, -1, 2, -2, rng.randrange(-6, 7)))
        self.middle = max(self.home - 40, min(self.home + 40, self.middle + step))
        for side, levels in self.sides.items():
            for price in [one for one in levels if (self.middle - one) * side <= 0]:
                changed[side, price] = 0
        for _ in range(rng.randrange(1, 4)):
            side = rng.choice((Side.BUY, Side.SELL))
            price = self.middle - side * rng.choice((1, 1, 2, 2, 3, 4, 5, 8))
            if self.wanted and rng.random() < 0.4:
                side, price = rng.choice(self.wanted)
            if (self.middle - price) * side <= 0:
                continue
            changed[side, price] = rng.choice((0, self.size(), self.size(), self.size() + 1))
        for (side, price), size in changed.items():
            self.sides[side].pop(price, None)
            if size:
                self.sides[side][price] = size
        return [(side, price, size) for (side, price), size in changed.items()]


class _Flow:
    """Makes one scenario, step by step."""

    def __init__(self, seed: int) -> None:
        self.seed, self.rng = seed, random.Random(seed)
        self.buffer, self.commands = RecordBuffer(), list[Command]()
        self.now_ns, self.submitted = START_NS + self.rng.randrange(10**9), list[_Sent]()
        self.cash, self.staying = list[int](), list[int]()
        # Now and then a book so deep that an order meets the most levels that one order takes.
        depth = self.rng.choice((8,) * 12 + (150, 560))
        self.is_deep = depth > 8
        self.venues = [_Venue(0, SPOT, 2_000, depth, self.rng), _Venue(1, PERPETUAL, 300, 8, self.rng)]
        self.terms: dict[tuple[str, int], Terms] = {}

    def _terms(self) -> Terms:
        rng = self.rng
        return Terms(
            maker_rate=rng.choice((0, 20_000, -10_000, -12_345)),
            taker_rate=rng.choice((0, 50_000, 100_000, 37_501)),
            latency_out_ns=rng.choice((0, 0, 5 * MS, 40 * MS)),
            latency_jitter_ns=rng.choice((0, 0, 1, 30 * MS)),
            whole_fills=rng.random() < 0.15,
        )

    def run(self) -> Scenario:
        rng = self.rng
        for _ in range(4):
            self._open()
        self._submit()  # before anything is listed
        for venue in self.venues:
            self._list(venue)
            if rng.random() < 0.8:
                self._snapshot(venue)
        for _ in range(rng.randrange(200, 400)):
            self._pass_time()
            self._step(rng.choice(self.venues))
            while rng.random() < 0.3:
                self._act()
        terms = self.terms
        return Scenario(
            self.seed, lambda one: terms[one.symbol, one.epoch], as_records(self.buffer.take()), self.commands
        )

    # Commands.

    def _command(self, method: str, *args: Any) -> None:
        self.commands.append((self.buffer.count, method, args))

    def _open(self) -> None:
        """Open an account; the first is rich."""
        cash, leverage = self.rng.choice(((10**6, 1), (2_000, 1), (300, 1), (500, 5), (50, 2), (1, 1)))
        if not self.cash:
            cash, leverage = 10**6, 1
        self.cash.append(cash * MONEY + self.rng.randrange(MONEY))
        self._command("open_account", f"account-{len(self.cash)}", self.cash[-1], leverage)

    def _act(self) -> None:
        rng = self.rng
        what = rng.random()
        if self.is_deep and rng.random() < 0.1:
            side = rng.choice((Side.BUY, Side.SELL))
            self._command("submit", 0, 0, int(side), int(OrderType.MARKET), int(TimeInForce.GTC), 0, SPOT.max_size)
            self.submitted.append(_Sent(0, 0, side, 0, SPOT.max_size))
        elif what < 0.62 or not self.submitted:
            self._submit()
        elif what < 0.76:
            self._command("cancel", *self._some_order())
        elif what < 0.92:
            account, nth = self._some_order()
            sent = self.submitted[min(nth, len(self.submitted) - 1)]
            venue = self.venues[sent.instrument]
            lot = venue.instrument.lot
            price = sent.price if rng.random() < 0.5 else self._price(venue, sent.side)
            size = sent.size - rng.randrange(9) * lot if rng.random() < 0.6 else self._size(venue, sent.account)
            self._command("amend", account, nth, price, size)
        elif what < 0.99:
            self._command("settle")
        else:
            self._open()

    def _some_order(self) -> tuple[int, int]:
        """An account and the place of an order among the submits: mostly its own, late and one that stays."""
        rng = self.rng
        if rng.random() < 0.03:
            return rng.randrange(len(self.cash)), len(self.submitted) + 50_000
        among = self.staying if self.staying and rng.random() < 0.8 else range(len(self.submitted))
        nth = among[max(len(among) - 1 - int(rng.expovariate(0.5)), 0)]
        return (rng.randrange(len(self.cash)) if rng.random() < 0.05 else self.submitted[nth].account), nth

    def _submit(self) -> None:
        rng = self.rng
        venue = rng.choice(self.venues)
        account = 0 if rng.random() < 0.4 else rng.randrange(len(self.cash))
        type_ = rng.choice((OrderType.LIMIT,) * 6 + (OrderType.MARKET,) * 2 + (OrderType.STOP,) * 2)
        tif = rng.choice((TimeInForce.GTC,) * 4 + (TimeInForce.IOC, TimeInForce.FOK, TimeInForce.POST_ONLY))
        # Who has bought can sell: on spot, buys come more often.
        side = rng.choice((Side.BUY, Side.BUY, Side.SELL)) if venue.index == 0 else rng.choice((Side.BUY, Side.SELL))
        price = 0 if type_ == OrderType.MARKET else self._price(venue, side if type_ == OrderType.LIMIT else -side)
        index = UNLISTED if rng.random() < 0.02 else venue.index
        size = self._size(venue, account)
        self._command("submit", account, index, int(side), int(type_), int(tif), price, size)
        if type_ == OrderType.STOP or (type_ == OrderType.LIMIT and tif == TimeInForce.GTC):
            self.staying.append(len(self.submitted))
            venue.wanted.append((side, price // venue.instrument.tick))
        self.submitted.append(_Sent(account, venue.index, side, price, size))

    def _price(self, venue: _Venue, side: int) -> int:
        """A price near the market, more often where an order of `side` waits."""
        rng = self.rng
        wrong = rng.random()
        if wrong < 0.02:
            return venue.price(0) + 1
        if wrong < 0.03:
            return rng.choice((0, -5))
        if wrong < 0.04:
            return venue.instrument.tick * 10**15
        if wrong < 0.05:
            return venue.instrument.tick
        return venue.price(-side * rng.choice((0, 1, 1, 2, 2, 3, 4, 5, 8, 12, 25, -1, -1, -2, -3, -8)))

    def _size(self, venue: _Venue, account: int) -> int:
        rng = self.rng
        wrong, rules = rng.random(), venue.instrument
        if wrong < 0.02:
            return venue.size() + 1
        if wrong < 0.12:
            large, small = rules.max_size, rules.min_size
            return rng.choice((0, -rules.lot, small - rules.lot, small, large + rules.lot, large, large, large))
        if wrong < 0.24 and venue.index == 0 and account:
            # A share of what the account has, so that two orders may be more than it can pay.
            share = self.cash[account] * rng.choice((30, 45, 60, 95)) // 100 // MONEY
            return share * 10**5 // venue.price(0) // rules.lot * rules.lot
        if wrong < 0.4 and self.submitted and self.submitted[-1].instrument == venue.index:
            return self.submitted[-1].size
        return venue.size() * rng.choice((1, 1, 1, 2))

    # The market.

    def _pass_time(self) -> None:
        rng = self.rng
        self.now_ns += rng.choice((0, 0, 1, 1_000, MS, 5 * MS, 20 * MS, 50 * MS, rng.randrange(80 * MS)))
        if rng.random() < 0.03:
            self.now_ns += rng.randrange(3_000 * MS)

    def _event_ns(self) -> int:
        """The venue's time of an event: mostly just before its arrival, at times long before, not told, or later."""
        behind = self.rng.choice((MS, 3 * MS, 0, 0, 60 * MS, -2 * MS, None))
        return 0 if behind is None else self.now_ns - behind

    def _pack(self, kind: Kind, index: int = 0, *fields: int, flags: int = WHOLE, verdict: int = 0) -> None:
        """One record; `fields` are price, size, x, y and id, 0 where they end."""
        values = (*fields, 0, 0, 0, 0, 0)[:5]
        self.buffer.pack(self._event_ns(), self.now_ns, kind, int(flags), index, int(verdict), *values)

    def _step(self, venue: _Venue) -> None:
        rng = self.rng
        what = rng.random()
        if what < 0.34:
            self._move(venue)
        elif what < 0.44:
            self._quote(venue)
        elif what < 0.46:
            self._quotes(venue)
        elif what < 0.52:
            self._odd_quote(venue)
        elif what < 0.78:
            self._print(venue)
        elif what < 0.83:
            self._odd_print(venue)
        elif what < 0.89:
            self._odd_depth(venue)
        elif what < 0.91:
            self._gap(venue)
        elif what < 0.94:
            self._snapshot(venue)
        elif what < 0.97:
            self._queue(venue)
        else:
            self._other(venue)

    def _quotes(self, venue: _Venue) -> None:
        """A stretch of quotes with nothing between, most of them as they should be."""
        rng, steps = self.rng, self.rng.randrange(2, 40)
        for away in [rng.randrange(1, 9)] * steps if rng.random() < 0.7 else rng.choices(range(1, 9), k=steps):
            self._pass_time()
            venue.update_id += 1
            fields = (venue.price(-away), venue.size(), venue.price(away), venue.size(), venue.update_id)
            self._odd_quote(venue) if rng.random() < 0.04 else self._pack(Kind.QUOTE, venue.index, *fields)

    def _move(self, venue: _Venue) -> None:
        """The book changes; the quote of the same id comes before, after, or not at all."""
        changed = venue.move()
        venue.update_id += self.rng.randrange(1, 4)
        order = self.rng.random()
        if order < 0.35:
            self._quote(venue)
        if not venue.in_step and self.rng.random() < 0.2:
            self._snapshot(venue)
        self._depth(venue, Kind.DEPTH_DELTA, changed, venue.update_id, 0 if venue.in_step else int(Flag.HELD))
        if order > 0.7:
            self._quote(venue)

    def _queue(self, venue: _Venue) -> None:
        """An order joins the best price; then a depth event, perhaps an old one, or a quote changes what is ahead of it."""
        rng, best, ask = self.rng, venue.middle - 1, venue.price(2)
        bid, venue.update_id = venue.price(-1), venue.update_id + 4
        self._pack(Kind.QUOTE, venue.index, bid, venue.size(), ask, venue.size(), venue.update_id)
        size = 5 * venue.size()
        order = (0, venue.index, int(Side.BUY), int(OrderType.LIMIT), int(TimeInForce.GTC), bid, size)
        for _ in range(rng.choice((1, 2))):
            self._command("submit", *order)
            self.submitted.append(_Sent(0, venue.index, Side.BUY, bid, size))
        self.now_ns += 80 * MS
        self._pack(Kind.CLOCK)
        left, change = rng.choice((0, 1, venue.size())), rng.random()
        if change < 0.6:
            old = venue.update_id - rng.choice((0, 1, 2))
            self._depth(venue, Kind.DEPTH_DELTA, [(Side.BUY, best, left), (Side.SELL, best + 9, 0)], old)
        else:
            venue.update_id += 1
            ask = rng.choice((ask, bid))
            self._pack(Kind.QUOTE, venue.index, bid, left, ask, venue.size(), venue.update_id)
        flags = WHOLE | Flag.ASK
        for _ in range(2):
            self._pack(Kind.PRINT, venue.index, bid, 3 * venue.size(), PrintCause.MARKET, 0, 0, flags=flags)

    def _depth(
        self, venue: _Venue, kind: Kind, levels: list[tuple[int, int, int]], update_id: int, flags: int = 0
    ) -> None:
        if not levels:
            self._pack(kind, venue.index, 0, 0, 0, 0, update_id, flags=WHOLE | Flag.EMPTY | flags)
        for place, (side, price, size) in enumerate(levels):
            ends = Flag.FIRST * (place == 0) | Flag.LAST * (place == len(levels) - 1)
            is_ask = Flag.ASK if side == Side.SELL else 0
            fields = (price * venue.instrument.tick, size, 0, 0, update_id)
            self._pack(kind, venue.index, *fields, flags=ends | is_ask | flags)

    def _snapshot(self, venue: _Venue) -> None:
        levels = [(side, price, size) for side, all_ in venue.sides.items() for price, size in all_.items()]
        if len(levels) > 100 and venue.in_step:
            return
        if self.rng.random() < 0.1:
            levels = [level for level in levels if level[0] == Side.BUY]
        self._depth(venue, Kind.DEPTH_SNAPSHOT, levels, venue.update_id)
        venue.in_step = True
        if self.rng.random() < 0.3 and len(levels) < 100:
            venue.update_id += 1
            self._depth(venue, Kind.DEPTH_DELTA, venue.move(), venue.update_id, int(Flag.REPEAT))

    def _odd_depth(self, venue: _Venue) -> None:
        """Levels that cross, are no levels, or were never there; events that are old, empty or held."""
        rng, middle = self.rng, venue.middle
        levels = rng.choice(
            (
                [],
                [(Side.BUY, middle + rng.randrange(4), venue.size()), (Side.SELL, 0, venue.size())],
                [(Side.SELL, middle - rng.randrange(4), venue.size())],
                [(Side.BUY, middle - 3, 0), (Side.BUY, middle + 9, 0), (Side.SELL, middle + 2, -1)],
                [(side, price, 0) for side in (rng.choice(tuple(Side)),) for price in list(venue.sides[side])[:20]],
                [(Side.SELL, middle + 1, venue.size()), (Side.BUY, middle - 1, venue.size())],
                [(side, price, rng.choice((0, 1, venue.size()))) for side, price in venue.wanted],
            )
        )
        update_id = venue.update_id + rng.choice((0, 0, 1, -1, -3))
        kind = rng.choice((Kind.DEPTH_DELTA, Kind.DEPTH_DELTA, Kind.DEPTH_PARTIAL))
        held = not venue.in_step or rng.random() < 0.2
        self._depth(venue, kind, levels, update_id, int(Flag.HELD) if held else 0)

    def _quote(self, venue: _Venue) -> None:
        bid, ask, tick = venue.best(Side.BUY), venue.best(Side.SELL), venue.instrument.tick
        bid_size, ask_size = venue.sides[Side.BUY].get(bid, 0), venue.sides[Side.SELL].get(ask, 0)
        self._pack(Kind.QUOTE, venue.index, bid * tick, bid_size, ask * tick, ask_size, venue.update_id)

    def _odd_quote(self, venue: _Venue) -> None:
        """Quotes of the venue's next id: crossed, locked, away from the book, without sizes, or with an id that is old."""
        rng = self.rng
        bid, ask = rng.choice(((1, -2), (0, 0), (-3, 2), (-1, 5), (1, 2), (-2, -1), (-1, 1)))
        verdict = rng.choice((0, 0, 0, *Verdict)) if bid < ask else rng.choice((0, Verdict.CROSSED, Verdict.LOCKED))
        venue.update_id += 1
        quote_id = venue.update_id - rng.choice((0, 0, 0, 0, 1, 3))
        sizes = [rng.choice((0, venue.size(), venue.size(), venue.size())) for _ in range(2)]
        prices = [0 if rng.random() < 0.05 else venue.price(bid), venue.price(ask)]
        if venue.wanted and rng.random() < 0.3:
            side, price = rng.choice(venue.wanted)
            prices[side == Side.SELL] = price * venue.instrument.tick
        fields = (prices[0], sizes[0], prices[1], sizes[1], quote_id)
        self._pack(Kind.QUOTE, venue.index, *fields, verdict=verdict)

    def _print(self, venue: _Venue) -> None:
        """Trades at the best price, at times through it."""
        rng = self.rng
        side = rng.choice((Side.BUY, Side.SELL))
        best = venue.best(side) or venue.middle
        price = (best - side * rng.choice((0, 0, 0, 0, 1, 2, 5, -1))) * venue.instrument.tick
        flags = WHOLE | (Flag.ASK if side == Side.BUY else 0)
        for _ in range(rng.choice((1, 1, 2))):
            venue.trade_id += 1
            size = venue.size() * rng.choice((1, 1, 3))
            self._pack(Kind.PRINT, venue.index, price, size, PrintCause.MARKET, 0, venue.trade_id, flags=flags)

    def _odd_print(self, venue: _Venue) -> None:
        """Prints that must not be used, and some that look odd and must."""
        rng = self.rng
        size, price = rng.choice((0, venue.size(), venue.size())), rng.choice((0, *map(venue.price, range(-9, 10))))
        flags = WHOLE | rng.choice((0, Flag.ASK)) | rng.choice((0, 0, Flag.BACKFILL))
        kind = rng.choice((Kind.PRINT, Kind.PRINT, Kind.PRINT, Kind.AGG_PRINT))
        fields = (price, size, rng.choice(tuple(PrintCause)), 0, venue.trade_id)
        self._pack(kind, venue.index, *fields, flags=flags, verdict=rng.choice((0, 0, *Verdict)))

    def _gap(self, venue: _Venue) -> None:
        missed = self.rng.choice((Kind.DEPTH_DELTA, Kind.DEPTH_DELTA, Kind.PRINT, Kind.QUOTE))
        self._pack(Kind.GAP, venue.index, GapCause.IDS_MISSING, 0, 5, 9, missed)
        if missed == Kind.DEPTH_DELTA:
            venue.in_step = False

    def _other(self, venue: _Venue) -> None:
        """Facts of papertape's own, and now and then other rules for an instrument at the same scales."""
        rng = self.rng
        what = rng.random()
        if what < 0.4:
            self._pack(Kind.CLOCK)
        elif what < 0.7:
            self._pack(Kind.CLOCK_OFFSET, 0, 0, 0, rng.choice((0, 0, 0, 3 * MS, -7 * MS, 1_200 * MS, -900 * MS)), MS)
        elif what < 0.9:
            self._pack(Kind.CONNECTION, 0, 0, 0, rng.choice(tuple(Link)), 1_000, 1)
        else:
            lot, epoch = (SPOT, PERPETUAL)[venue.index].lot * rng.choice((1, 2)), venue.instrument.epoch + 1
            venue.instrument = msgspec.structs.replace(venue.instrument, lot=lot, epoch=epoch)
            self._list(venue)

    def _list(self, venue: _Venue) -> None:
        self.terms[venue.instrument.symbol, venue.instrument.epoch] = self._terms()
        self.buffer.extend(instrument_event(venue.instrument, venue.index, self.now_ns))

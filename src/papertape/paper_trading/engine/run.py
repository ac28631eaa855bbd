"""A run: strategies in their seats, one engine, its ledger, and the facts that tell what happened.

`take` is the one way through: live it gets the batch that just came in, in replay and recovery the batches of the tape.
"""

import heapq
import struct
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec
import numpy as np

from papertape.core.bars import BarSource
from papertape.core.errors import IntegrityError
from papertape.core.fixed import MANTISSA_MAX
from papertape.core.instruments import Instrument
from papertape.core.records import FIRST_MARKET_KIND, RECORD_BYTES, RECORD_STRUCT, Flag, Kind
from papertape.paper_trading.engine import facts
from papertape.paper_trading.engine.engine import Engine
from papertape.paper_trading.engine.order_player import OrderPlayer
from papertape.paper_trading.engine.rows import NONE, EventKind, Feed, Why
from papertape.paper_trading.engine.seat import Seat
from papertape.paper_trading.engine.state_hash import EventView
from papertape.paper_trading.engine.terms import Terms
from papertape.paper_trading.engine.wakes import Wakes
from papertape.paper_trading.ledger import Fill, Ledger, LedgerState
from papertape.paper_trading.strategy import BarUpdate, Print, Quote, Strategy

Records = np.ndarray[Any, np.dtype[Any]]
COMMANDS_AT_ONCE_MAX = 1_000
"""Commands that one strategy may send at one engine time; beyond that it runs in circles, and is stopped."""
FILLS_KEPT = 100
LOOK_RECORDS = 4_096
NOTE_CHARACTERS_MAX = 1_000
_DONE = int(Why.DONE)
_QUOTE_FIELDS = struct.Struct("<q16xqqqq8x")
"""Event time, bid, bid size, ask, ask size of a QUOTE record."""


class Timer(NamedTuple):
    """Something that the control plane waits for: a strategy's timer, a report on its way back, or orders (no seat)."""

    due_ns: int
    number: int
    seat: int
    name: str
    event: EventView | None
    """The event that is reported; none for a timer."""


class StrategyLoops(BaseException):
    """A strategy did not come back, or sent commands without end. No Exception, so that it does not catch this with its own."""


class Run:
    """Engine, seats and ledger. Open all accounts before the first `take`; the same calls give the same run."""

    def __init__(
        self,
        engine: Engine,
        terms: Callable[[Instrument], Terms],
        sink: facts.Facts | None = None,
        *,
        begins_seq: int = 0,
    ) -> None:
        self.engine = engine
        self.ledger = Ledger()
        self.wakes = Wakes(engine)
        self.seats: dict[int, Seat] = {}
        self.symbols: dict[str, int] = {}
        self.latest_fills: deque[EventView] = deque(maxlen=FILLS_KEPT)
        """The fills of all accounts, the latest ones, for whoever looks on."""
        self.stopped: dict[int, str] = {}
        """Accounts that were stopped, and why."""
        self._sink = sink
        if sink is None:
            engine.drop_unheard()
        self.calling: tuple[int, int] = (0, NONE)
        """Number of the latest call of a strategy, and its seat while it runs: for whoever watches that it comes back."""
        self._player: OrderPlayer | None = None
        self._terms = terms
        self._timers: list[Timer] = []
        self._timer_number = 0
        self._started = False
        self._records: Records = np.zeros(0)
        self._data = memoryview(b"")
        self.position = 0
        """Records of the batch that the engine has taken."""
        self.told = 0
        """Records of the batch that strategies know of: now and then some more, see `_tell_quotes`."""
        self._telling = NONE
        self._seq = (0, begins_seq)
        self._listed = 0
        self._back_ns: dict[int, int] = {}
        self._sent = 0

    def open_account(
        self, name: str, cash: int, *, leverage: int = 1, currency: str = "USDT", strategy: Strategy | None = None
    ) -> int:
        """Open an account with `cash` at eight decimals of its currency, and seat a strategy there; returns its index."""
        index = self.engine.open_account(name, cash, leverage, currency)
        if cash:
            transaction = self.ledger.deposit(self.engine.now_ns, name, currency, cash)
            self._write(facts.POSTINGS, [msgspec.to_builtins(transaction)])
        if strategy is not None and strategy.compiled is not None:
            self.engine.use_compiled(strategy.compiled, index)
        elif strategy is not None:
            self.seats[index] = Seat(self, index, name, strategy, cash)
            self.engine.states[0]["accounts"][index]["listens"] = 1
        return index

    def follow(self, player: OrderPlayer) -> None:
        """Send the orders of `player`, which are for accounts that are open, when engine time reaches them."""
        self._player = player
        # As with a strategy, the engine returns at each event: prices are read at the scales that they were told in.
        self.engine.states[0]["accounts"]["listens"] = self.engine.states[0]["accounts"]["open"]
        self._wait(player.next_ns, NONE, "", None)

    @property
    def cursor(self) -> int:
        """Seq of the market record that has not been taken yet."""
        position, seq = self._seq
        kinds = self._records["kind"][position : self.position] if len(self._records) else self._records
        seq += int(np.count_nonzero(kinds >= Kind.INSTRUMENT))
        self._seq = (self.position, seq)
        return seq

    def take(self, first_seq: int, records: Records) -> None:
        """Take whole events in order; `first_seq` is the Seq of the first. Block headers among them carry none."""
        self._lay(first_seq, records)
        if not self._started:
            beginning = _first_market_record(records)
            self._advance(records[:beginning])
            if beginning == len(records):
                return
            # Engine time begins here, so that a timer set in `on_start` does not count from the year 1970.
            self.engine.move_clock(int(records["ts_recv_ns"][beginning]) + int(self.engine.states[0]["offset_ns"]))
            self._start()
        self._advance(records)

    def see(self, first_seq: int, records: Records) -> None:
        """Take records of the time before the run: the market is known then, and no strategy is told."""
        self._lay(first_seq, records)
        self.engine.take(records)

    def apply(self, first_seq: int, records: Records) -> None:
        """Take records of a run whose commands are known and that calls nobody: nothing due is carried out at their end."""
        self._lay(first_seq, records)
        self.engine.take(records)
        self.position = len(records)
        self._tell_events()

    def _lay(self, first_seq: int, records: Records) -> None:
        self._records, self._data = records, records.view(np.uint8).data
        self.position, self.told, self._seq = 0, 0, (0, first_seq)

    def reach(self, now_ns: int, arrivals: int) -> None:
        """Go on to an engine time at which so many things had arrived at the venue."""
        missing = arrivals - self.engine.arrivals
        while missing > 0 and self.engine.settle(now_ns, missing):
            missing = arrivals - self.engine.arrivals
        self.engine.move_clock(now_ns)
        self._tell_events()

    def settle(self) -> None:
        """Carry out what is due at engine time, with all that follows from it."""
        while self.engine.settle():
            self._ask()
        self._ask()

    def finish(self) -> None:
        """The run ends: strategies are told."""
        for seat in self.seats.values():
            self._call(seat, seat.strategy.on_stop, seat)
        self._ask()

    def state_hash(self) -> str:
        """The state hash of the run: its market and its engine."""
        return self.engine.state_hash()

    def _start(self) -> None:
        self._started = True
        self._look_at_listings()
        for seat in self.seats.values():
            self._call(seat, seat.strategy.on_start, seat)
        self._ask()

    def _look_at_listings(self) -> None:
        instruments = self.engine.market.instruments
        for index, one in instruments.items():
            self.symbols.setdefault(one.symbol, index)
            self._back_ns[index] = self._terms(one).latency_back_ns
        self.wakes.name_instruments(instruments)
        self._listed = self.engine.listings

    def _advance(self, records: Records) -> None:
        engine, feeds, timers = self.engine, self.wakes.feeds, self._timers
        engine.load(records)
        while True:
            position, why, only = engine.advance(self.position, timers[0].due_ns if timers else MANTISSA_MAX)
            self.position = position
            if self._listed != engine.listings:
                self._look_at_listings()
            if why == _DONE:
                break
            if only == NONE:
                self._ask()
                continue
            sent = self._sent
            seat, feed, one = feeds[only]
            if feed is Feed.QUOTE:
                self._tell_quotes(seat, one, only)
            else:
                self._feed(only)
            if sent != self._sent:
                self._tell_events()
        self.settle()

    def _tell_quotes(self, seat: Seat, one: Instrument, subscription: int) -> None:
        """Tell a seat of the quote that was taken last, and of the quiet ones after it before the engine takes them.

        The engine follows as soon as the strategy asks for anything, so that nobody can tell the difference.
        """
        start, sent = self.position - 1, self._sent
        end = self.position + self.engine.quiet_ahead(self.position, subscription)
        self.told, self._telling = start, subscription
        method = seat.strategy.on_quote
        for fields in _QUOTE_FIELDS.iter_unpack(self._data[start * RECORD_BYTES : end * RECORD_BYTES]):
            self.told += 1
            self._call(seat, method, seat, Quote(one, *fields))
            if sent != self._sent:
                break
        self.catch_up()

    def catch_up(self) -> None:
        """Let the engine take what strategies know of already."""
        if self.told > self.position:
            self.engine.pass_quiet(self.position, self.told, self._telling)
            self.position = self.told

    def _write(self, kind: str, body: Any) -> None:
        if self._sink is not None:
            self._sink.append(self.cursor, kind, body)

    # Commands.

    def command(self, seat: Seat, operation: str, arguments: tuple[int, ...]) -> int:
        """Carry out a command of a seat, and write it down; the number of the order that it is about."""
        now_ns = self.engine.now_ns
        at_ns, count = seat.commands
        count = count + 1 if at_ns == now_ns else 1
        seat.commands = (now_ns, count)
        if count > COMMANDS_AT_ONCE_MAX:
            raise StrategyLoops(f"expected at most {COMMANDS_AT_ONCE_MAX} commands at one time, was one more")
        return self.carry_out(seat.index, operation, arguments)

    def carry_out(self, account: int, operation: str, arguments: tuple[int, ...]) -> int:
        """Carry out a command of an account, and write it down; the number of the order that it is about."""
        arrivals = self.engine.arrivals
        self._sent += 1
        if self._sink is not None:
            body = [self.engine.now_ns, arrivals, account, operation, list(arguments)]
            self._write(facts.COMMAND, body)
        if operation == facts.SUBMIT:
            return self.engine.submit(account, *arguments)
        act = self.engine.cancel if operation == facts.CANCEL else self.engine.amend
        act(account, *arguments)
        return arguments[0]

    def set_timer(self, seat: Seat, due_ns: int, name: str) -> None:
        """Wake `seat` at an engine time."""
        self._sent += 1
        self._wait(due_ns, seat.index, name, None)

    def note(self, seat: Seat, text: str) -> None:
        """Write a remark down."""
        self._write(facts.NOTE, [self.engine.now_ns, seat.index, _text(text)])

    def stop(self, account: int, why: str) -> None:
        """Stop an account: its strategy is not called again, its live orders are cancelled, new ones are refused."""
        self.catch_up()
        arrivals, why = self.engine.arrivals, _text(why)
        self._write(facts.STOPPED, [self.engine.now_ns, arrivals, account, why])
        self.engine.states[0]["accounts"][account]["stopped"] = 1
        self.stopped[account] = why
        if account in self.seats:
            self.seats[account].stopped = True
        self._sent += 1
        for order in self.engine.orders_of(account):
            self.engine.cancel(account, order)

    def _wait(self, due_ns: int, seat: int, name: str, event: EventView | None) -> None:
        self._timer_number += 1
        heapq.heappush(self._timers, Timer(due_ns, self._timer_number, seat, name, event))

    # Wakes.

    def _ask(self) -> None:
        """Everything that stands in the state for someone: events, bars, feeds; then what has become due."""
        closed, woken = self.engine.take_woken()
        self._tell_events()
        for slot, bar in closed:
            self._bar(slot, bar)
        for row in woken:
            self._feed(row)
        self._tell_events()

    def _tell_events(self) -> None:
        """Book what happened and report it, until nobody has anything to say any more."""
        while True:
            events = self.engine.take_events()
            if events:
                self._book(events)
            if not self._timers or self._timers[0].due_ns > self.engine.now_ns:
                if not events:
                    return
                continue
            timer = heapq.heappop(self._timers)
            if timer.seat == NONE:
                self._play()
                continue
            seat = self.seats[timer.seat]
            if timer.event:
                self._report(seat, timer.event)
            else:
                self._call(seat, seat.strategy.on_timer, seat, timer.name)

    def _play(self) -> None:
        if self._player is not None:
            self._player.act(self)
            self._wait(self._player.next_ns, NONE, "", None)

    def _book(self, events: list[EventView]) -> None:
        if self._sink is not None:
            self._write(facts.EVENTS, [list(event) for event in events])
        transactions = []
        instruments = self.engine.market.instruments
        if self._player is not None:
            self._player.learn(events, instruments)
        for event in events:
            if event.kind == EventKind.FILL:
                fill = Fill(
                    account=self.engine.accounts[event.account],
                    instrument=instruments[event.instrument],
                    side=event.side,
                    size=event.size,
                    notional=event.notional,
                    fee=event.fee,
                    realised=event.realised,
                )
                transaction = self.ledger.post_fill(event.ts_ns, event.number, fill)
                self.latest_fills.append(event)
                if self._sink is not None:
                    transactions.append(msgspec.to_builtins(transaction))
            if event.account in self.seats:
                self._wait(event.ts_ns + self._back_ns.get(event.instrument, 0), event.account, "", event)
        if transactions:
            self._write(facts.POSTINGS, transactions)

    def _report(self, seat: Seat, event: EventView) -> None:
        update = seat.learn(event)
        tell = seat.strategy.on_fill if event.kind == EventKind.FILL else seat.strategy.on_order
        self._call(seat, tell, seat, update)

    def _bar(self, slot: int, bar: tuple[int, ...]) -> None:
        instrument, interval_ns, source, seats = self.wakes.bars[slot]
        one = self.engine.market.instruments[instrument]
        start_ns, _, *values = bar
        update = BarUpdate(one, interval_ns, start_ns, *values, one.price_scale, source is BarSource.MID)  # type: ignore[arg-type, call-arg]
        for seat in seats:
            self._call(seat, seat.strategy.on_bar, seat, update)

    def _feed(self, row: int) -> None:
        """Wake the seat of a subscription with the record that was taken last."""
        seat, feed, one = self.wakes.feeds[row]
        start = (self.position - 1) * RECORD_BYTES
        if feed is Feed.BOOK:
            self._call(seat, seat.strategy.on_book, seat, one.symbol)
            return
        ts_ns, _, _, flags, _, _, price, size, x, y, ident = RECORD_STRUCT.unpack_from(self._data, start)
        if feed is Feed.QUOTE:
            self._call(seat, seat.strategy.on_quote, seat, Quote(one, ts_ns, price, size, x, y))
        else:
            trade = Print(one, ts_ns, price, size, bool(flags & Flag.ASK), ident)
            self._call(seat, seat.strategy.on_print, seat, trade)

    def _call(self, seat: Seat, method: Callable[..., None], *arguments: Any) -> None:
        """Call a strategy. What it raises stops it and nobody else; damage to the run itself goes on."""
        if seat.stopped:
            return
        number = self.calling[0] + 1
        self.calling = (number, seat.index)
        try:
            method(*arguments)
        except IntegrityError:
            raise
        except (Exception, StrategyLoops) as error:  # noqa: BLE001 - whatever a strategy raises is its own fault and is written down
            self.stop(seat.index, _said(error))
        finally:
            self.calling = (number, NONE)

    # Checkpoints.

    def export(self) -> dict[str, Any]:
        """All that the run is, as plain values and bytes; to be asked between two batches.

        Raises DataError when a strategy remembers what cannot be told so.
        """
        return {
            "engine": self.engine.export(),
            "ledger": msgspec.to_builtins(self.ledger.state()),
            "wakes": self.wakes.export(),
            "timers": [[*timer[:4], timer.event and list(timer.event)] for timer in self._timers],
            "timer_number": self._timer_number,
            "seats": [[index, seat.export()] for index, seat in self.seats.items()],
            "started": self._started,
            "stopped": list(self.stopped.items()),
        }

    def restore(self, saved: dict[str, Any]) -> None:
        """Become what `export` told: the same accounts and strategies must have been opened before."""
        self.engine.restore(saved["engine"])
        self.ledger = Ledger.restore(msgspec.convert(saved["ledger"], LedgerState))
        self.wakes.restore(saved["wakes"], self.seats)
        self._look_at_listings()
        self._timers = [
            Timer(due_ns, number, seat, name, event and EventView._make(event))
            for due_ns, number, seat, name, event in saved["timers"]
        ]
        self._timer_number = saved["timer_number"]
        for index, seat in saved["seats"]:
            self.seats[index].restore(seat)
        self._started = saved["started"]
        self.stopped = dict(saved["stopped"])


def _first_market_record(records: Records) -> int:
    """Position of the first record of the venue's own data, which is one of the first few; the length without one."""
    for start in range(0, len(records), LOOK_RECORDS):
        found = np.flatnonzero(records["kind"][start : start + LOOK_RECORDS] >= FIRST_MARKET_KIND)
        if len(found):
            return start + int(found[0])
    return len(records)


def _said(error: BaseException) -> str:
    """An error in words, without asking it: its own way to tell may fail, since it is a strategy's."""
    said = ", ".join(str(part) for part in error.args if type(part) in (str, int, float))
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def _text(text: str) -> str:
    """A strategy's words as they can be written down."""
    return text[:NOTE_CHARACTERS_MAX].encode("utf-8", "replace").decode("utf-8")

"""What the engine's kernels and their control plane agree on: kinds, reasons and the layout of the state.

All state of the engine but the books lies in one structured record with nested arrays. What the fields
mean and what the engine does with them is told in `docs/explanation/the-engine.md`. Prices and sizes are
mantissas at the instrument's scales, money at `MONEY_SCALE` decimals of the instrument's quote currency.
"""

from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np

from papertape.core.bars.rows import BAR_DTYPE, BAR_STATE_DTYPE

SECOND_NS = 1_000_000_000
RATE_SCALE = 8
"""Fee rates are mantissas at this many decimals: 0.1 % is 100000."""
UNKNOWN = -1
"""Queue position of an order at a level whose displayed size nobody has told yet."""
NONE = -1
"""No slot: the end of a list."""
LEVELS_WALKED_MAX = 512
"""Levels that one order takes at once; what is left over counts as not displayed."""
LEVELS_AT_ONCE_MAX = 3_072
"""Levels that all orders together take by one record or at one arrival; then it is as with `LEVELS_WALKED_MAX`."""
TAKEN_KEPT = 128
"""Levels per account whose displayed size is remembered as taken, the latest ones."""
QUIET_MAX = 256
"""Quotes that the kernels look ahead, see `kernels.advance.quiet_ahead`."""
MEMORY_WORDS = 64
"""Integers that a compiled strategy may keep per account."""


class Side(IntEnum):
    """Sign of a size."""

    BUY = 1
    SELL = -1


class OrderType(IntEnum):
    """How an order finds its price."""

    MARKET = 0
    LIMIT = 1
    STOP = 2
    """A market order that waits for its trigger."""


class TimeInForce(IntEnum):
    """How long an order stays."""

    GTC = 0
    """Until cancelled."""
    IOC = 1
    """Takes what is there at arrival; the rest expires."""
    FOK = 2
    """All at arrival, or nothing."""
    POST_ONLY = 3
    """Never takes: expires if it would at arrival."""


class Status(IntEnum):
    """Where an order is in its life."""

    PENDING = 0
    """On its way to the venue."""
    WORKING = 1
    """At the venue: resting, or waiting for its trigger."""
    FILLED = 2
    CANCELLED = 3
    EXPIRED = 4
    REJECTED = 5


class EventKind(IntEnum):
    """What happened to an order."""

    REJECTED = 1
    """Refused, at submission or at arrival."""
    ACCEPTED = 2
    """Arrived and rests, or waits for its trigger."""
    TRIGGERED = 3
    """A stop became a market order."""
    FILL = 4
    CANCELLED = 5
    EXPIRED = 6
    AMENDED = 7
    REFUSED = 8
    """A cancel or amend came too late or asked for something impossible; the order stays as it is."""


class Liquidity(IntEnum):
    """Which side of the trade an order was."""

    NOTHING = 0
    MAKER = 1
    TAKER = 2


class Reason(IntEnum):
    """Why an order was refused or ended."""

    NOTHING = 0
    NOT_LISTED = 1
    NOT_ON_TICK = 2
    NOT_ON_LOT = 3
    BELOW_MIN_SIZE = 4
    ABOVE_MAX_SIZE = 5
    BELOW_MIN_NOTIONAL = 6
    TOO_LARGE = 7
    """Its value does not fit in 64 bits."""
    NO_BALANCE = 8
    """Not enough money for a spot purchase, or not enough margin."""
    NO_HOLDING = 9
    """A spot sale of more than is held and free."""
    NO_MARKET = 10
    """No price to trade at: no quote, or a book not in step, or crossed."""
    NO_LIQUIDITY = 11
    """Displayed liquidity ended before the order was filled."""
    WOULD_TAKE = 12
    """A post-only order would have traded at arrival."""
    NOT_FILLABLE = 13
    """A fill-or-kill order could not be filled whole."""
    IOC_REST = 14
    """What an immediate-or-cancel order could not get."""
    BY_REQUEST = 15
    """Cancelled by its owner."""
    UNKNOWN_ORDER = 16
    """No live order of this account has this number."""
    ENDED = 17
    """The order had ended before the request arrived."""
    NO_ROOM = 18
    """The engine holds as many orders as it can."""
    BAD_REQUEST = 19
    """A value outside what this field can be."""
    STOPPED = 20
    """The strategy or account is stopped."""
    OTHER_CURRENCY = 21
    """The instrument is not settled in the account's currency, or in a way that the ledger cannot post."""


class Due(IntEnum):
    """What arrives at the venue after the order latency."""

    NEW = 0
    CANCEL = 1
    AMEND = 2


class Why(IntEnum):
    """Why `advance` returned."""

    DONE = 0
    """All records are taken."""
    LISTING = 1
    """The next record is an INSTRUMENT event."""
    BOOK_CAPACITY = 2
    """The next record needs a larger book."""
    UNLISTED = 3
    """The next record is of an instrument that nobody listed."""
    WOKEN = 4
    """Events, bars, quotes, prints or books that someone listens to."""
    TIMER = 5
    """Engine time has reached `wake_ns`; the next record has not been taken."""
    FULL = 6
    """A buffer of events or marks must be emptied first."""


class Feed(IntEnum):
    """What a strategy can be woken by, apart from bars and its own events."""

    QUOTE = 0
    PRINT = 1
    BOOK = 2
    """The end of a depth event."""


class Capacity(NamedTuple):
    """Sizes of one class of state."""

    instruments: int
    accounts: int
    orders: int

    @property
    def events(self) -> int:
        """Room for events between two returns. Half of it is kept free before each record, which is enough: a fill for
        each of `LEVELS_AT_ONCE_MAX`, and one of a print, a trigger and an end for each order.
        """
        return max(8 * self.orders, 16 * LEVELS_WALKED_MAX)


SMALL = Capacity(instruments=16, accounts=16, orders=256)
LARGE = Capacity(instruments=256, accounts=64, orders=4096)
SUBSCRIPTIONS_MAX = 256
BARS_MAX = 256
MARKS_MAX = 2048

INSTRUMENT_DTYPE = np.dtype(
    [
        *((name, "<i8") for name in ("listed", "is_spot", "tick", "lot", "min_size", "max_size")),
        *((name, "<i8") for name in ("min_value", "value_times", "value_over")),
        *((name, "<i8") for name in ("maker_rate", "taker_rate", "whole_fills", "currency")),
        *((name, "<i8") for name in ("latency_out_ns", "latency_jitter_ns")),
        *((name, "<i8") for name in ("bid", "bid_size", "ask", "ask_size", "from_quote", "quote_id", "mid2")),
        *((name, "<i8") for name in ("last", "has_prints", "told_ns")),
        # Resting buys, resting sells, stops to sell, stops to buy: first slot and its key, see `list_key`.
        ("head", "<i8", (4,)),
        ("key", "<i8", (4,)),
        ("feeds", "<i8", (3,)),
        ("bars", "<i8"),
    ]
)

ORDER_DTYPE = np.dtype(
    [
        *((name, "<i8") for name in ("id", "account", "instrument", "side", "type", "tif", "status")),
        *((name, "<i8") for name in ("price", "size", "filled", "ahead", "shown", "shown_ns", "active_ns")),
        *((name, "<i8") for name in ("reserved", "reduces", "list", "next")),
        # Seams of later order types: what links orders, trails a price, or shows only a part.
        *((name, "<i8") for name in ("link", "link_kind", "reduce_only", "trail", "display")),
    ]
)

ACCOUNT_DTYPE = np.dtype(
    [
        *((name, "<i8") for name in ("open", "stopped", "listens", "leverage", "currency")),
        *((name, "<i8") for name in ("cash", "reserved", "realised", "fees", "sent", "taken_count")),
    ]
)

POSITION_DTYPE = np.dtype(
    [
        *((name, "<i8") for name in ("size", "cost", "realised", "fees", "reserved", "fills")),
        ("reducing", "<i8", (2,)),
    ]
)

TAKEN_DTYPE = np.dtype([(name, "<i8") for name in ("instrument", "side", "price", "displayed", "taken")])

DUE_DTYPE = np.dtype([(name, "<i8") for name in ("due_ns", "number", "what", "order", "account", "price", "size")])

EVENT_DTYPE = np.dtype(
    [
        *((name, "<i8") for name in ("number", "ts_ns", "kind", "order", "account", "instrument", "side")),
        *((name, "<i8") for name in ("price", "size", "rest", "liquidity", "notional", "fee", "realised", "reason")),
    ]
)

MARK_DTYPE = np.dtype([(name, "<i8") for name in ("ts_ns", "account", "equity", "cash")])

SUBSCRIPTION_DTYPE = np.dtype([(name, "<i8") for name in ("account", "feed", "instrument", "every", "left", "next")])

BAR_SLOT_DTYPE = np.dtype([("state", BAR_STATE_DTYPE), ("end_ns", "<i8"), ("next", "<i8")])

CLOSED_DTYPE = np.dtype([("slot", "<i8"), ("bar", BAR_DTYPE)])


def state_dtype(capacity: Capacity) -> np.dtype[Any]:
    """The state of the engine but its books."""
    instruments, accounts, orders = capacity
    return np.dtype(
        [
            *(
                (name, "<i8")
                for name in ("now_ns", "offset_ns", "wake_ns", "next_ns", "second_ns", "seed", "arrivals", "due_number")
            ),
            *(
                (name, "<i8")
                for name in ("orders_made", "orders_live", "events_made", "event_word", "levels_left", "overflow")
            ),
            *((name, "<i8") for name in ("due_count", "event_count", "mark_count", "closed_count", "wake_count")),
            *((name, "<i8") for name in ("instruments_used", "listened", "compiled_account")),
            ("instruments", INSTRUMENT_DTYPE, (instruments,)),
            ("accounts", ACCOUNT_DTYPE, (accounts,)),
            ("positions", POSITION_DTYPE, (accounts, instruments)),
            ("orders", ORDER_DTYPE, (orders,)),
            ("due", DUE_DTYPE, (2 * orders,)),
            ("taken", TAKEN_DTYPE, (accounts, TAKEN_KEPT)),
            ("events", EVENT_DTYPE, (capacity.events,)),
            ("marks", MARK_DTYPE, (MARKS_MAX,)),
            ("subscriptions", SUBSCRIPTION_DTYPE, (SUBSCRIPTIONS_MAX,)),
            ("wakes", "<i8", (SUBSCRIPTIONS_MAX,)),
            ("bars", BAR_SLOT_DTYPE, (BARS_MAX,)),
            ("closed", CLOSED_DTYPE, (BARS_MAX,)),
            ("memory", "<i8", (accounts, MEMORY_WORDS)),
            ("spent", "<i8", (accounts,)),
        ]
    )

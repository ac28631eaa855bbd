"""What a venue allows, as numbers, and how its stream names are read.

The two frozen tables `SPOT` and `USDM` hold the documented values; a test that must not wait a
minute for a pong replaces single fields with `msgspec.structs.replace`.
"""

import re
from typing import Literal

import msgspec

VenueName = Literal["binance-spot", "binance-usdm"]
Category = Literal["unrouted", "public", "market", "private"]

_WELL_FORMED = re.compile(r"(?:[^\s@!/]+(?:@[^\s@/]+)+|![^\s@/]+(?:@[^\s@/]+)*|tradingSession)")
_DIFF_DEPTH = re.compile(r"([^@!/]+)@depth(?:@(?:0|100|250|500|1000)ms)?")
_PARTIAL_DEPTH = re.compile(r"([^@!/]+)@depth(5|10|20)(?:@(?:100|250|500|1000)ms)?")
_PUBLIC_FAMILIES = ("bookTicker", "depth", "depth5", "depth10", "depth20", "rpiDepth")


class VenueRules(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of one venue. Times are real seconds, whatever the speed of the market."""

    name: VenueName
    rest_prefix: str
    """Path in front of every REST route."""
    categories: tuple[Category, ...]
    """Path prefixes that the WebSocket side answers; the others are 404."""
    ping_interval_s: float
    pong_timeout_s: float
    messages_per_s_max: int
    """Incoming messages a second and connection; ping and pong frames count."""
    streams_max: int = 1024
    lifetime_s: float = 86_400
    """A connection is closed when it is this old."""
    attempts_max: int = 300
    """Connection attempts of an address in `attempts_window_s`; one more is refused with 429."""
    attempts_window_s: float = 300
    strikes_max: int = 3
    """So many connections lost to too many messages, or attempts too many, ban an address."""
    rest_strikes_max: int = 10
    """So many requests after a 429 in its minute, or during a ban, ban an address (418), for twice as long each time."""
    control_bytes_max: int = 4096
    """A longer control frame is ignored without an answer, as users of the real venue report."""
    flat_errors: bool = False
    """Errors of control requests as the documents print them, not nested as clients see them."""
    opening_quiet_s: float = 0.5
    """The market opens when there is a subscription and none was added for this long, since one
    recorder may need several connections and several control frames."""
    stall_max_s: float = 5.0
    """A client that takes nothing for this long is closed, and the market goes on."""
    close_wait_s: float = 2.0
    """How long a client that is closed may take to answer, and to take what was sent before."""
    weight_per_minute_max: int
    orders_per_10_s_max: int = 100
    """New orders of an account in ten seconds."""
    open_orders_max: int = 200
    """Open orders of an account and symbol."""
    listen_key_life_s: float = 3600
    """How long a listen key of USD-M lives unless it is kept alive."""
    depth_limit_default: int
    depth_limit_max: int
    depth_limits: tuple[int, ...] = ()
    """The only limits allowed; empty: any from 1, cut to the maximum."""
    depth_weights: tuple[tuple[int, int], ...]
    """(up to this limit, weight), ascending."""
    kline_limit_max: int
    kline_weights: tuple[tuple[int, int], ...] = ()
    """As `depth_weights`; empty: one weight for all."""
    weights: dict[str, int]
    """Weight of the other routes; `<route>*` is a call without a symbol."""
    prints_kept_max: int = 100_000
    """Prints of a symbol that `historicalTrades` can still reach."""


SPOT = VenueRules(
    name="binance-spot",
    rest_prefix="/api/v3",
    categories=("unrouted",),
    ping_interval_s=20,
    pong_timeout_s=60,
    messages_per_s_max=5,
    weight_per_minute_max=6000,
    depth_limit_default=100,
    depth_limit_max=5000,
    kline_limit_max=1000,
    depth_weights=((100, 5), (500, 25), (1000, 50), (5000, 250)),
    weights={
        "ping": 1,
        "time": 1,
        "exchangeInfo": 20,
        "trades": 25,
        "historicalTrades": 25,
        "aggTrades": 4,
        "ticker/bookTicker": 2,
        "ticker/bookTicker*": 4,
        "klines": 2,
        "uiKlines": 2,
        "avgPrice": 2,
        "ticker/24hr": 2,
        "ticker/24hr*": 80,
        "ticker/price": 2,
        "ticker/price*": 4,
    },
)
USDM = VenueRules(
    name="binance-usdm",
    rest_prefix="/fapi/v1",
    categories=("unrouted", "public", "market", "private"),
    ping_interval_s=180,
    pong_timeout_s=600,
    messages_per_s_max=10,
    weight_per_minute_max=2400,
    orders_per_10_s_max=300,
    depth_limit_default=500,
    depth_limit_max=1000,
    depth_limits=(5, 10, 20, 50, 100, 500, 1000),
    kline_limit_max=1500,
    kline_weights=((99, 1), (499, 2), (1000, 5), (1500, 10)),
    depth_weights=((50, 2), (100, 5), (500, 10), (1000, 20)),
    weights={
        "ping": 1,
        "time": 1,
        "exchangeInfo": 1,
        "trades": 5,
        "historicalTrades": 200,
        "aggTrades": 20,
        "ticker/bookTicker": 2,
        "ticker/bookTicker*": 5,
        "klines": 5,
        "premiumIndex": 1,
        "premiumIndex*": 10,
        "ticker/24hr": 1,
        "ticker/24hr*": 40,
        "ticker/price": 1,
        "ticker/price*": 2,
    },
)
RULES: dict[VenueName, VenueRules] = {"binance-spot": SPOT, "binance-usdm": USDM}


def well_formed(stream: str) -> bool:
    """Whether `stream` has the form of a stream name; the symbol in it need not exist."""
    return _WELL_FORMED.fullmatch(stream) is not None


def symbol_of(stream: str) -> str:
    """The symbol a stream name begins with, in capitals; empty for all-market streams."""
    symbol, at, _ = stream.partition("@")
    return symbol.upper() if at and not symbol.startswith("!") else ""


def is_diff_depth(stream: str) -> bool:
    """Whether `stream` is one of the names of a symbol's depth changes."""
    return _DIFF_DEPTH.fullmatch(stream) is not None


def partial_levels(stream: str) -> int:
    """The number of levels a partial depth stream carries; 0 for any other stream."""
    match = _PARTIAL_DEPTH.fullmatch(stream)
    return int(match[2]) if match else 0


def delivers(category: Category, stream: str) -> bool:
    """Whether a USD-M connection of this category carries `stream`.

    Unrouted paths carry the public kind only, in silence, as since 2026-04-23. The undocumented
    `@trade` comes on unrouted paths and on `/market`.
    """
    family = stream.lstrip("!") if stream.startswith("!") else stream.partition("@")[2]
    family = family.partition("@")[0]
    if family == "trade":
        return category in ("unrouted", "market")
    if family in _PUBLIC_FAMILIES:
        return category in ("unrouted", "public")
    return category == "market"

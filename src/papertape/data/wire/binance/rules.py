"""What differs between the Binance markets: hosts, routes, limits, and the rule that joins depth events."""

from collections.abc import Callable

import msgspec

from papertape.core.instruments import InstrumentKind


def spot_follows(last: int, first: int, final: int, previous: int) -> bool:
    """Spot, events U..u after a book at `last`: U <= last + 1 <= u (local-order-book rule, steps 5 and 6)."""
    return first <= last + 1 <= final


def usdm_bridges(last: int, first: int, final: int, previous: int) -> bool:
    """USD-M, first event after a snapshot: U <= L <= u, or the event that names L as its predecessor."""
    return first <= last <= final or previous == last


def usdm_follows(last: int, first: int, final: int, previous: int) -> bool:
    """USD-M, every later event: pu is the final id of the one before. U and u are never adjacent there."""
    return previous == last


class Rules(msgspec.Struct, frozen=True):
    """One Binance market.

    `bridges` and `follows` take (book id, U, u, pu): whether an event may be the first after a
    snapshot, and whether it may follow an applied one. `routes` are the path prefixes of the
    WebSocket host with the streams each of them carries; `rest_prefix` leads the REST routes.
    `ws_backups` are tried, in this order, where `ws_url` fails; `streams_per_connection` is what any of the venue's documents allows.
    `time_unit` is what the times of a connection to one of these servers are asked for in (`timeUnit`); empty where there is no choice.
    """

    venue: str
    kind: InstrumentKind
    ws_url: str
    ws_backups: tuple[str, ...]
    rest_url: str
    rest_backups: tuple[str, ...]
    """Asked in this order where `rest_url` may not be reached from (451)."""
    rest_prefix: str
    weight_limit: int
    """REST weight a minute, until exchangeInfo says what it is."""
    routes: tuple[tuple[str, tuple[str, ...]], ...]
    snapshot_limit: int
    trades_limit: int
    control_messages_per_s: int
    streams_per_connection: int
    time_unit: str
    bridges: Callable[[int, int, int, int], bool]
    follows: Callable[[int, int, int, int], bool]


SPOT = Rules(
    venue="binance-spot",
    kind=InstrumentKind.CRYPTO_SPOT,
    ws_url="wss://data-stream.binance.vision",
    ws_backups=("wss://stream.binance.com:9443", "wss://stream.binance.com:443"),
    rest_url="https://data-api.binance.vision",
    rest_backups=("https://api.binance.com", "https://api-gcp.binance.com"),
    rest_prefix="/api/v3",
    weight_limit=6000,
    routes=(("", ("trade", "bookTicker", "depth@100ms")),),
    snapshot_limit=5000,
    trades_limit=1000,
    control_messages_per_s=4,
    streams_per_connection=1024,
    time_unit="MICROSECOND",
    bridges=spot_follows,
    follows=spot_follows,
)

USDM = Rules(
    venue="binance-usdm",
    kind=InstrumentKind.LINEAR_PERPETUAL,
    ws_url="wss://fstream.binance.com",
    ws_backups=(),
    rest_url="https://fapi.binance.com",
    rest_backups=(),
    rest_prefix="/fapi/v1",
    weight_limit=2400,
    routes=(("/public", ("bookTicker", "depth@100ms")), ("/market", ("trade", "aggTrade"))),
    snapshot_limit=1000,
    trades_limit=1000,
    control_messages_per_s=8,
    streams_per_connection=200,
    time_unit="",
    bridges=usdm_bridges,
    follows=usdm_follows,
)

VENUES: dict[str, Rules] = {rules.venue: rules for rules in (SPOT, USDM)}

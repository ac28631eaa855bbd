"""What an instrument is, from what the venue says of it: exchangeInfo, else decimals that were seen."""

from collections.abc import Iterable

import msgspec

from papertape.core.errors import DataError, DecodeError, UnknownInstrument
from papertape.core.fixed import Rounding, decimals, parse_fixed, rescale
from papertape.core.instruments import Instrument, check_listing
from papertape.data.wire.binance.levels import decode_levels
from papertape.data.wire.binance.payloads import ExchangeInfo, ExchangeSymbol, Snapshot, readable
from papertape.data.wire.binance.rules import Rules

SCALE_GUESS_MAX = 12
"""More decimals than any venue trades with are not believed when a scale is guessed."""

TRADING = ("", "TRADING")
"""Statuses of a symbol that trades, or of which nothing is said."""
DELISTED = "DELISTED"
"""Our word for a symbol that the venue lists no more."""

UNKNOWN_ASSET = "UNKNOWN"
QUOTE_ASSETS = ("FDUSD", "USDT", "USDC", "TUSD", "BUSD", "USD", "EUR", "TRY", "BTC", "ETH", "BNB")


def from_exchange_info(rules: Rules, info: ExchangeInfo, symbol: str) -> Instrument:
    """The instrument as exchangeInfo lists it. Raises UnknownInstrument where it does not."""
    for one in info.symbols:
        if one.symbol == symbol:
            return _checked(_from_filters(rules, one))
    raise UnknownInstrument(
        f"{rules.venue} does not list {symbol}: expected a symbol of its exchangeInfo, such as "
        f"{', '.join(sorted(one.symbol for one in info.symbols)[:3]) or 'none'}"
    )


def relisted(rules: Rules, info: ExchangeInfo, known: Instrument) -> Instrument:
    """The instrument `known` as exchangeInfo lists it now; one that it lists no more is as it was, with the status DELISTED.

    Raises DecodeError for an answer that lists nothing at all, as no venue has nothing.
    """
    if not info.symbols:
        raise DecodeError(f"expected exchangeInfo of {rules.venue} with symbols, was one without any")
    if any(one.symbol == known.symbol for one in info.symbols):
        return from_exchange_info(rules, info, known.symbol)
    return msgspec.structs.replace(known, status=DELISTED)


def _from_filters(rules: Rules, one: ExchangeSymbol) -> Instrument:
    filters = {rule.filterType: rule for rule in one.filters}
    price, lot = filters.get("PRICE_FILTER"), filters.get("LOT_SIZE")
    notional = filters.get("NOTIONAL") or filters.get("MIN_NOTIONAL")
    tick = price.tickSize if price and decimal_is_positive(price.tickSize) else "0.00000001"
    step = lot.stepSize if lot and decimal_is_positive(lot.stepSize) else "0.00000001"
    price_scale = decimals(tick)
    size_scale = max(decimals(step), decimals(lot.minQty) if lot else 0)
    least = (
        (notional.minNotional if decimal_is_positive(notional.minNotional) else notional.notional) if notional else "0"
    )
    return Instrument(
        venue=rules.venue,
        symbol=one.symbol,
        kind=rules.kind,
        base=one.baseAsset,
        quote=one.quoteAsset,
        settle=one.marginAsset or one.quoteAsset,
        price_scale=price_scale,
        size_scale=size_scale,
        tick=parse_fixed(tick, price_scale),
        lot=parse_fixed(step, size_scale),
        min_size=parse_fixed(lot.minQty, size_scale) if lot else 0,
        max_size=0,
        min_notional=rescale(
            parse_fixed(least, decimals(least)), decimals(least), price_scale + size_scale, Rounding.CEILING
        ),
        status=msgspec.UNSET if one.status in TRADING else one.status,
    )


def decimal_is_positive(text: str) -> bool:
    """Whether a filter's value is set; the venue writes 0 for a rule that is off."""
    return any(digit in "123456789" for digit in text)


def quote_asset(symbol: str) -> str:
    """The asset that a symbol is quoted in, by the end of its name; UNKNOWN_ASSET for an end that nobody knows."""
    return next((asset for asset in QUOTE_ASSETS if symbol.endswith(asset) and symbol != asset), UNKNOWN_ASSET)


def from_decimals(rules: Rules, symbol: str, seen: "DecimalsSeen") -> Instrument:
    """An instrument known only by the decimals of its numbers: tick and lot are one of the last place."""
    quote = quote_asset(symbol)
    return _checked(
        Instrument(
            venue=rules.venue,
            symbol=symbol,
            kind=rules.kind,
            base=symbol.removesuffix(quote),
            quote=quote,
            settle=quote,
            price_scale=seen.price_scale,
            size_scale=seen.size_scale,
            tick=1,
            lot=1,
        )
    )


def _checked(instrument: Instrument) -> Instrument:
    reason = check_listing(instrument)
    if reason is not None:
        raise DataError(f"{instrument.venue} {instrument.symbol} cannot be listed: {reason}")
    return instrument


class DecimalsSeen:
    """The finest price and size among the levels looked at; numbers that are none are passed over."""

    def __init__(self) -> None:
        self.price_scale = 0
        self.size_scale = 0

    def look(self, levels: Iterable[tuple[str, str]]) -> None:
        """Look at (price, size) texts."""
        for price, size in levels:
            self.price_scale = max(self.price_scale, _decimals_or_0(price))
            self.size_scale = max(self.size_scale, _decimals_or_0(size))

    def look_at_snapshot(self, snapshot: Snapshot) -> None:
        """Look at every level of a depth snapshot."""
        for levels in (snapshot.bids, snapshot.asks):
            self.look(readable(decode_levels, bytes(levels), "levels of a depth snapshot"))


def _decimals_or_0(text: str) -> int:
    """Decimals of `text`; 0 for what is no number or has more than can be held: taking the frame tells of it."""
    try:
        count = decimals(text)
    except DecodeError:
        return 0
    return count if count <= SCALE_GUESS_MAX else 0

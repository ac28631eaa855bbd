"""A market of ccxt as an instrument. Spot and linear perpetuals are listed; sizes are in units of the base currency."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from papertape.core.errors import DataError, DecodeError
from papertape.core.fixed import Rounding, decimals, parse_fixed, rescale
from papertape.core.instruments import Instrument, InstrumentKind, check_listing
from papertape.data.symbols import SymbolInfo
from papertape.data.wire.listed import exact_text

DECIMAL_PLACES, SIGNIFICANT_DIGITS, TICK_SIZE = 2, 3, 4
"""ccxt's `precisionMode`: what a market's precision counts."""
SCALE_UNKNOWN = 8
"""Decimals where a market does not say; a finer number opens another epoch anyway."""


def contract_of(market: Mapping[str, Any]) -> Decimal:
    """Units of the base currency in an amount of 1; 1 except for some perpetuals."""
    size = market.get("contractSize")
    return Decimal(exact_text(size)) if size else Decimal(1)


def from_market(venue: str, market: Mapping[str, Any], precision_mode: int) -> SymbolInfo | None:
    """The market's instrument; None for kinds that are not listed. Raises DataError when its rules cannot be held."""
    if market.get("spot"):
        kind = InstrumentKind.CRYPTO_SPOT
    elif market.get("swap") and market.get("linear"):
        kind = InstrumentKind.LINEAR_PERPETUAL
    else:
        return None
    try:
        instrument = _instrument(venue, market, precision_mode, kind)
    except (LookupError, AttributeError, TypeError, ValueError, ArithmeticError) as error:
        raise DecodeError(f"{venue}: a market cannot be read ({type(error).__name__} {error})") from error
    if (reason := check_listing(instrument)) is not None:
        raise DataError(f"{venue} {instrument.symbol} cannot be listed: {reason}")
    active = market.get("active") is not False
    return SymbolInfo(instrument=instrument, trade_mode="full" if active else "disabled")


def _instrument(venue: str, market: Mapping[str, Any], precision_mode: int, kind: InstrumentKind) -> Instrument:
    contract = contract_of(market)
    precision, limits = market.get("precision") or {}, market.get("limits") or {}
    tick = _step(precision.get("price"), precision_mode)
    lot = exact_text(Decimal(_step(precision.get("amount"), precision_mode)) * contract)
    price_scale, size_scale = decimals(tick), decimals(lot)
    least = (limits.get("amount") or {}).get("min")
    least_value = (limits.get("cost") or {}).get("min")
    return Instrument(
        venue=venue,
        symbol=str(market["symbol"]),
        kind=kind,
        base=str(market["base"]),
        quote=str(market["quote"]),
        settle=str(market.get("settle") or market["quote"]),
        price_scale=price_scale,
        size_scale=size_scale,
        tick=parse_fixed(tick, price_scale),
        lot=parse_fixed(lot, size_scale),
        min_size=_at_least(exact_text(Decimal(exact_text(least)) * contract), size_scale) if least else 0,
        min_notional=_at_least(exact_text(least_value), price_scale + size_scale) if least_value else 0,
    )


def _step(precision: object, mode: int) -> str:
    """The smallest step of a price or an amount."""
    if precision is None or mode == SIGNIFICANT_DIGITS:
        return exact_text(Decimal(1).scaleb(-SCALE_UNKNOWN))
    text = exact_text(precision)
    return exact_text(Decimal(1).scaleb(-int(text))) if mode == DECIMAL_PLACES else text


def _at_least(text: str, scale: int) -> int:
    """A lower bound at `scale`, rounded up: what it allows, the venue allows."""
    own = decimals(text)
    return rescale(parse_fixed(text, own), own, scale, Rounding.CEILING)

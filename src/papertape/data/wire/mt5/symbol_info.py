"""A symbol as the terminal describes it, read into exact numbers, and the instrument that it makes."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from papertape.core.contract_terms import TERMS_SCALE, ContractTerms, MarginMode, SwapMode
from papertape.core.errors import DataError, DecodeError, UnknownInstrument
from papertape.core.fixed import SCALE_MAX, VALUE_MAX
from papertape.core.instruments import Instrument, InstrumentKind, check_listing
from papertape.data.symbols import SymbolInfo

VENUE = "mt5"

_MARGIN_MODES = {
    0: (InstrumentKind.FX_PAIR, MarginMode.FOREX),
    5: (InstrumentKind.FX_PAIR, MarginMode.FOREX_NO_LEVERAGE),
    2: (InstrumentKind.CFD, MarginMode.CFD),
    3: (InstrumentKind.CFD, MarginMode.CFD_INDEX),
    4: (InstrumentKind.CFD, MarginMode.CFD_LEVERAGE),
}
"""SYMBOL_CALC_MODE; futures, options, shares and bonds are not listed."""
_SWAP_MODES = dict(enumerate(SwapMode))
_TRADE_MODES = ("disabled", "long_only", "short_only", "close_only", "full")
_EXECUTIONS = ("request", "instant", "market", "exchange")
_FILLINGS = {1: "fok", 2: "ioc", 4: "boc"}


def read_symbol_info(
    fields: Mapping[str, Any],
    *,
    leverage: int,
    deposit_currency: str,
    commission: int | None = None,
    sessions: tuple[tuple[int, int], ...] = (),
) -> SymbolInfo:
    """The symbol that the terminal's `symbol_info` describes, its fields by name.

    `commission` is of one lot and one side at `TERMS_SCALE`; the terminal does not tell it. Raises DataError for
    a symbol that cannot be listed, DecodeError for fields that are missing or no such numbers.
    """
    try:
        return _read(fields, leverage, deposit_currency, commission, sessions)
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        name = fields.get("name", "?")
        raise DecodeError(f"symbol_info of {name} cannot be read: {type(error).__name__} {error}") from error


def _read(
    fields: Mapping[str, Any],
    leverage: int,
    deposit_currency: str,
    commission: int | None,
    sessions: tuple[tuple[int, int], ...],
) -> SymbolInfo:
    name, mode = str(fields["name"]), int(fields["trade_calc_mode"])
    if mode not in _MARGIN_MODES:
        raise DataError(f"{VENUE} {name} cannot be listed: expected a calculation mode of forex or CFD, was {mode}")
    kind, margin_mode = _MARGIN_MODES[mode]
    digits = int(fields["digits"])
    size_scale = max(_decimals(fields["volume_step"]), _decimals(fields["volume_min"]))
    tick_value = _amount(fields["trade_tick_value"])
    terms = ContractTerms(
        margin_mode=margin_mode,
        margin_currency=str(fields["currency_margin"]),
        leverage=leverage,
        margin_initial=_amount(fields["margin_initial"]),
        margin_maintenance=_amount(fields["margin_maintenance"]),
        margin_hedged=_amount(fields["margin_hedged"]),
        margin_hedged_by_leg=bool(fields["margin_hedged_use_leg"]),
        swap_mode=_SWAP_MODES[int(fields["swap_mode"])],
        swap_long=_amount(fields["swap_long"]),
        swap_short=_amount(fields["swap_short"]),
        swap_triple_weekday=(int(fields["swap_rollover3days"]) - 1) % 7,  # the terminal's Sunday is 0
        deposit_currency=deposit_currency,
        tick_value=tick_value if margin_mode is MarginMode.CFD_INDEX else 0,
        commission=commission,
        volume_limit=_mantissa(fields["volume_limit"], size_scale),
        stops_level=int(fields["trade_stops_level"]),
        freeze_level=int(fields["trade_freeze_level"]),
    )
    instrument = Instrument(
        venue=VENUE,
        symbol=name,
        kind=kind,
        base=str(fields["currency_base"]),
        quote=str(fields["currency_profit"]),
        settle=str(fields["currency_profit"]),
        price_scale=digits,
        size_scale=size_scale,
        tick=_mantissa(fields["trade_tick_size"] or fields["point"], digits),
        lot=_mantissa(fields["volume_step"], size_scale),
        min_size=_mantissa(fields["volume_min"], size_scale),
        max_size=_mantissa(fields["volume_max"], size_scale),
        contract_size=_mantissa(fields["trade_contract_size"], 0),
        sessions=sessions,
        terms=terms,
    )
    if (reason := check_listing(instrument)) is not None:
        raise DataError(f"{VENUE} {name} cannot be listed: {reason}")
    filling = int(fields["filling_mode"])
    return SymbolInfo(
        instrument=instrument,
        description=str(fields["description"]),
        path=str(fields["path"]),
        trade_mode=_TRADE_MODES[int(fields["trade_mode"])],
        execution=_EXECUTIONS[int(fields["trade_exemode"])],
        fillings=tuple(text for bit, text in _FILLINGS.items() if filling & bit),
        spread=int(fields["spread"]),
        tick_value=tick_value,
    )


def resolve_symbol(names: Iterable[str], wanted: str) -> str:
    """The broker's name of a symbol: itself, else the only one that is `wanted` with a suffix, such as `EURUSD.raw`.

    Raises UnknownInstrument when there is none, or more than one.
    """
    found = [name for name in names if name.upper().startswith(wanted.upper())]
    exact = [name for name in found if name == wanted] or [name for name in found if name.upper() == wanted.upper()]
    if len(exact or found) == 1:
        return (exact or found)[0]
    several = ", ".join(sorted(found)[:5])
    raise UnknownInstrument(
        f"{VENUE}: expected {wanted}, or one symbol that begins with it, "
        f"was {several or 'none'}; give the broker's own name"
    )


def _exact(number: Any) -> Decimal:
    """A number of the terminal as the decimal that it is the nearest double of: 15 digits."""
    value = Decimal(f"{number:.15g}")
    if not value.is_finite():
        raise ValueError(f"expected a number, was {number}")
    return value


def _decimals(number: Any) -> int:
    exponent = _exact(number).normalize().as_tuple().exponent
    return max(-int(exponent), 0)


def _mantissa(number: Any, scale: int) -> int:
    value = _exact(number).scaleb(scale)
    if value != value.to_integral_value() or abs(value) > VALUE_MAX or scale > SCALE_MAX:
        raise ValueError(f"expected a number of at most {scale} decimals, was {number}")
    return int(value)


def _amount(number: Any) -> int:
    """An amount at `TERMS_SCALE`; what is finer is rounded half-even, as a value that moves with the rates."""
    return round(_exact(number).scaleb(TERMS_SCALE))

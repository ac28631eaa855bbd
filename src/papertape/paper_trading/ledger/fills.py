"""The postings of a fill: a spot fill exchanges money for a holding, a perpetual's pays profit and loss."""

from functools import lru_cache

import msgspec

from papertape.core.errors import DataError, IntegrityError
from papertape.core.instruments import MONEY_SCALE, Instrument, InstrumentKind
from papertape.paper_trading.ledger.postings import (
    FEES,
    PNL,
    VENUE,
    Posting,
    cash_account,
    checked_name,
    holding_account,
    transfer,
)

_INSTRUMENTS_KEPT = 1_024


class Fill(msgspec.Struct, frozen=True, kw_only=True):
    """What the ledger takes from the event of a fill. Money is at MONEY_SCALE decimals of the instrument's quote currency."""

    account: str
    """Name of the trading account."""
    instrument: Instrument
    side: int
    """1 for a buy, -1 for a sell."""
    size: int
    """At the instrument's `size_scale`."""
    notional: int
    """Price x size, rounded."""
    fee: int
    """Negative for a rebate."""
    realised: int
    """Profit of what the fill closed. Posted for perpetuals; for spot it is a valuation of the holding's cost."""


@lru_cache(_INSTRUMENTS_KEPT)
def check_postable(instrument: Instrument) -> str | None:
    """Why fills of `instrument` cannot be posted, or None when they can. An order for one that cannot must be refused."""
    try:
        if instrument.kind is InstrumentKind.CRYPTO_SPOT:
            checked_name("currency", instrument.base)
        checked_name("currency", instrument.quote)
    except DataError as error:
        return str(error)
    if instrument.kind is InstrumentKind.CRYPTO_SPOT:
        if instrument.size_scale > MONEY_SCALE:
            return (
                f"expected sizes of at most {MONEY_SCALE} decimals, was {instrument.size_scale}: holdings have no more"
            )
        if instrument.base == instrument.quote:
            return f"expected a base other than the quote currency, was {instrument.base} for both"
    elif instrument.kind is InstrumentKind.LINEAR_PERPETUAL:
        if instrument.settle != instrument.quote:
            return f"expected profit and loss in the quote currency {instrument.quote}, was {instrument.settle}"
    else:
        return f"expected spot or a linear perpetual, was {instrument.kind}"
    return None


def fill_postings(fill: Fill) -> tuple[Posting, ...]:
    """The postings of `fill`, in pairs that sum to zero.

    Raises DataError with the reason of `check_postable`, or for a name that no account can have; IntegrityError when
    the values are none of a fill.
    """
    instrument = fill.instrument
    if reason := check_postable(instrument):
        raise DataError(f"{instrument.venue} {instrument.symbol} cannot be posted: {reason}")
    if fill.side not in (1, -1) or fill.size <= 0 or fill.notional < 0:
        raise IntegrityError(f"expected a fill of side 1 or -1, a size above 0 and a notional of 0 or more, was {fill}")
    cash = cash_account(fill.account)
    fee = transfer(cash, FEES, instrument.quote, fill.fee)
    if instrument.kind is InstrumentKind.LINEAR_PERPETUAL:
        return transfer(PNL, cash, instrument.quote, fill.realised) + fee
    # The holding counts units of the base currency, exact at MONEY_SCALE.
    quantity = fill.size * instrument.contract_size * 10 ** (MONEY_SCALE - instrument.size_scale)
    holding = holding_account(fill.account, instrument.base)
    paid = transfer(cash, VENUE, instrument.quote, fill.side * fill.notional)
    return paid + transfer(VENUE, holding, instrument.base, fill.side * quantity) + fee

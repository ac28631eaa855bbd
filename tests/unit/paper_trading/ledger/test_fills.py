from typing import Any

import msgspec
import pytest

from papertape.core.errors import DataError, IntegrityError
from papertape.core.instruments import Instrument, InstrumentKind
from papertape.paper_trading.ledger.fills import Fill, check_postable, fill_postings
from papertape.paper_trading.ledger.postings import Posting

SPOT = Instrument(
    venue="binance-spot",
    symbol="BTCUSDT",
    kind=InstrumentKind.CRYPTO_SPOT,
    base="BTC",
    quote="USDT",
    settle="USDT",
    price_scale=2,
    size_scale=5,
    tick=1,
    lot=1,
)
PERPETUAL = msgspec.structs.replace(SPOT, venue="binance-usdm", kind=InstrumentKind.LINEAR_PERPETUAL, size_scale=3)


def fill(instrument: Instrument = SPOT, **changes: Any) -> Fill:
    """Half a coin at 60,000.00, with a fee of 30."""
    values = {"side": 1, "size": 50_000, "notional": 30_000 * 10**8, "fee": 30 * 10**8, "realised": 0} | changes
    return Fill(account="alice", instrument=instrument, **values)


def test_a_spot_buy_pays_and_gets_its_holding() -> None:
    assert fill_postings(fill()) == (
        Posting("alice:cash", "USDT", -30_000 * 10**8),
        Posting("venue", "USDT", 30_000 * 10**8),
        Posting("venue", "BTC", -(10**8) // 2),
        Posting("alice:BTC", "BTC", 10**8 // 2),
        Posting("alice:cash", "USDT", -30 * 10**8),
        Posting("fees", "USDT", 30 * 10**8),
    )


def test_a_spot_sale_gets_paid_and_its_profit_is_no_posting() -> None:
    assert fill_postings(fill(side=-1, realised=77, fee=-5)) == (
        Posting("alice:cash", "USDT", 30_000 * 10**8),
        Posting("venue", "USDT", -30_000 * 10**8),
        Posting("venue", "BTC", 10**8 // 2),
        Posting("alice:BTC", "BTC", -(10**8) // 2),
        Posting("alice:cash", "USDT", 5),
        Posting("fees", "USDT", -5),
    )


def test_a_perpetual_pays_what_was_realised_and_the_fee() -> None:
    assert fill_postings(fill(PERPETUAL, realised=-9, fee=2)) == (
        Posting("pnl", "USDT", 9),
        Posting("alice:cash", "USDT", -9),
        Posting("alice:cash", "USDT", -2),
        Posting("fees", "USDT", 2),
    )
    assert fill_postings(fill(PERPETUAL, fee=0)) == ()


def test_a_holding_counts_units_of_the_base() -> None:
    bundle = msgspec.structs.replace(SPOT, size_scale=8, contract_size=1000)
    assert fill_postings(fill(bundle, size=3))[3] == Posting("alice:BTC", "BTC", 3000)
    whole = msgspec.structs.replace(SPOT, size_scale=0)
    assert fill_postings(fill(whole, size=2**62))[3].amount == 2**62 * 10**8


@pytest.mark.parametrize(
    ("instrument", "change", "reason"),
    [
        (SPOT, {"size_scale": 9}, "at most 8 decimals, was 9"),
        (SPOT, {"base": ""}, "name of currency"),
        (SPOT, {"quote": ""}, "name of currency"),
        (SPOT, {"base": "USDT"}, "other than the quote"),
        (SPOT, {"kind": InstrumentKind.FX_PAIR}, "was fx_pair"),
        (PERPETUAL, {"settle": "BTC"}, "in the quote currency USDT, was BTC"),
        (PERPETUAL, {"quote": "", "settle": ""}, "name of currency"),
    ],
    ids=str,
)
def test_what_cannot_be_posted_is_refused_with_its_reason(
    instrument: Instrument, change: dict[str, Any], reason: str
) -> None:
    changed = msgspec.structs.replace(instrument, **change)
    said = check_postable(changed)
    assert said is not None and reason in said
    with pytest.raises(DataError, match=r"BTCUSDT cannot be posted: expected .*") as caught:
        fill_postings(fill(changed))
    assert said in str(caught.value)


def test_a_perpetual_may_have_any_size_scale_and_no_base() -> None:
    assert check_postable(SPOT) is None
    assert check_postable(msgspec.structs.replace(PERPETUAL, size_scale=12, base="")) is None


def test_an_account_without_a_name_is_refused() -> None:
    with pytest.raises(DataError, match="name of account"):
        fill_postings(msgspec.structs.replace(fill(), account=""))


@pytest.mark.parametrize("change", [{"side": 0}, {"side": 2}, {"size": 0}, {"size": -1}, {"notional": -1}], ids=str)
def test_what_is_no_fill_is_an_integrity_error(change: dict[str, int]) -> None:
    for instrument in (SPOT, PERPETUAL):
        with pytest.raises(IntegrityError, match="expected a fill of side"):
            fill_postings(fill(instrument, **change))

import pytest

from papertape.core.errors import InputError
from papertape.venue.exchange_info import split_symbol
from papertape.venue.synthetic.listings import LISTINGS, NAMES, Listing, first_symbols, listings_of


def test_names_are_known_by_their_quote_and_stand_once() -> None:
    assert len(NAMES) == len(set(NAMES)) == 50
    assert NAMES[:5] == ("BTCUSDT", "ETHUSDT", "SOLUSDT", "BNBUSDT", "XRPUSDT")
    assert {split_symbol(name)[1] for name in NAMES} == {"USDT"}


@pytest.mark.parametrize("listing", LISTINGS, ids=lambda listing: listing.symbol)
def test_a_listing_can_be_traded(listing: Listing) -> None:
    assert listing.price > 500
    assert listing.makers_per_s > 10 * listing.takers_per_s > 0
    assert listing.order_value > listing.min_notional


def test_lots_per_quote() -> None:
    bitcoin = LISTINGS[0]
    assert bitcoin.lots_per_quote == (10**5 << 16) // 64_000


def test_the_first_symbols() -> None:
    assert first_symbols(50) == NAMES
    for count in (0, 51, -1):
        with pytest.raises(InputError, match=f"from 1 to 50, was {count}"):
            first_symbols(count)


def test_listings_keep_the_order_asked_for() -> None:
    assert [one.symbol for one in listings_of(("XRPUSDT", "BTCUSDT"))] == ["XRPUSDT", "BTCUSDT"]


@pytest.mark.parametrize(
    ("symbols", "said"),
    [(("ABCUSDT",), "was ABCUSDT"), (("btcusdt",), "was btcusdt"), ((), "was none"), (("BTCUSDT",) * 2, "each once")],
)
def test_wrong_symbols(symbols: tuple[str, ...], said: str) -> None:
    with pytest.raises(InputError, match=said):
        listings_of(symbols)

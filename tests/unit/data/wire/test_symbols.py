import pytest

from papertape.core.errors import UnknownInstrument
from papertape.data.wire.symbols import CANDIDATES_TOLD, Place, SymbolIndex, take_apart
from tests.made_source import crypto, fx

SPOT, USDM, MT5, RAW = "binance-spot", "binance-usdm", "mt5", "raw-broker"


@pytest.fixture
def index() -> SymbolIndex:
    index = SymbolIndex()
    index.add([crypto("BTCUSDT"), crypto("ETHUSDT"), crypto("ADAUSDT")])
    index.add([crypto("BTCUSDT", USDM, perpetual=True), crypto("SOLUSDT", USDM, perpetual=True)])
    index.add([fx("EURUSD"), fx("USDJPYm"), fx("GBPUSD.raw"), fx("GBPUSD.ecn")])
    index.add([fx("EURUSD.raw", RAW)])
    index.add([crypto("ETH/USDT", "ccxt-kraken")])
    return index


@pytest.mark.parametrize(
    ("text", "venues", "place"),
    [
        ("BTCUSDT", [SPOT], (SPOT, "BTCUSDT")),
        ("btcusdt", [SPOT], (SPOT, "BTCUSDT")),
        ("BTC/USDT", [], (SPOT, "BTCUSDT")),
        ("btc-usdt", [], (SPOT, "BTCUSDT")),
        ("BTC_USDT", [], (SPOT, "BTCUSDT")),
        ("BTC USDT", [], (SPOT, "BTCUSDT")),
        ("BTC/USDT:USDT", [], (USDM, "BTCUSDT")),
        ("BTCUSDT.P", [], (USDM, "BTCUSDT")),
        ("BTCUSDT-PERP", [], (USDM, "BTCUSDT")),
        ("BTC-USDT-SWAP", [], (USDM, "BTCUSDT")),
        ("binance-usdm:BTCUSDT", [], (USDM, "BTCUSDT")),
        ("binance-usdm:BTC/USDT:USDT", [], (USDM, "BTCUSDT")),
        ("SOLUSDT", [], (USDM, "SOLUSDT")),
        ("ETH/USDT", ["ccxt-kraken"], ("ccxt-kraken", "ETH/USDT")),
        ("ETHUSDT", ["ccxt-kraken"], ("ccxt-kraken", "ETH/USDT")),
        ("EURUSD", [], (MT5, "EURUSD")),
        ("EUR/USD", [MT5], (MT5, "EURUSD")),
        ("EURUSD.raw", [], (RAW, "EURUSD.raw")),
        ("EURUSD.raw", [MT5], (MT5, "EURUSD")),
        ("EURUSDm", [MT5], (MT5, "EURUSD")),
        ("EURUSD+", [MT5], (MT5, "EURUSD")),
        ("EURUSD", [RAW], (RAW, "EURUSD.raw")),
        ("USDJPY", [], (MT5, "USDJPYm")),
        ("usdjpy.pro", [], (MT5, "USDJPYm")),
        ("GBPUSD.raw", [], (MT5, "GBPUSD.raw")),
    ],
)
def test_what_people_write_is_found(index: SymbolIndex, text: str, venues: list[str], place: tuple[str, str]) -> None:
    assert index.resolve(text, venues) == place
    assert index.resolve(text, venues) == place, "remembered"
    assert index.instrument(Place(*place)).symbol == place[1]


@pytest.mark.parametrize(
    ("text", "venues", "told"),
    [
        ("BTCUSDT", [], ["names 2 symbols", f"{SPOT}:BTCUSDT", f"{USDM}:BTCUSDT"]),
        ("GBPUSD", [], ["names 2 symbols", "GBPUSD.raw", "GBPUSD.ecn"]),
        ("BTCUSDC", [], ["no symbol is called 'BTCUSDC'", f"{SPOT}:BTCUSDT"]),
        ("BTCUSDC", [SPOT], ["no symbol", "at binance-spot", f"{SPOT}:BTCUSDT"]),
        ("BTC/USDT:USDC", [], ["no symbol"]),
        ("BTC/USDT", [USDM], ["no symbol", f"{USDM}:BTCUSDT"]),
        ("BTCUSDTm", [], ["no symbol"]),
        ("EURUSD.waytoolong", [MT5], ["no symbol", "mt5:EURUSD"]),
        ("binance-usdm:ETHUSDT", [], ["no symbol"]),
        ("binance-usdm:BTCUSDT", [SPOT], ["no symbol"]),
        ("", [], ["no symbol"]),
        ("X" * 1000, [], ["no symbol", "X" * 64 + "'"]),
        ("🙂", [], ["no symbol", "none of the venues"]),
    ],
)
def test_what_is_not_found_is_told_with_the_nearest(
    index: SymbolIndex, text: str, venues: list[str], told: list[str]
) -> None:
    with pytest.raises(UnknownInstrument) as raised:
        index.resolve(text, venues)
    for part in told:
        assert part in str(raised.value)


def test_search_gives_the_nearest_first(index: SymbolIndex) -> None:
    assert index.search("BTC")[:2] == [(SPOT, "BTCUSDT"), (USDM, "BTCUSDT")]
    assert index.search("gbp", [MT5]) == [(MT5, "GBPUSD.raw"), (MT5, "GBPUSD.ecn")]
    assert index.search("ETHUSDC")[0] == (SPOT, "ETHUSDT")
    assert len(index.search("U", limit=3)) <= 3
    assert len(index.search("")) == CANDIDATES_TOLD


def test_a_symbol_listed_again_is_replaced_and_answers_are_asked_anew(index: SymbolIndex) -> None:
    count = len(index)
    with pytest.raises(UnknownInstrument):
        index.resolve("XRPUSDT")
    index.add([crypto("XRPUSDT"), crypto("BTCUSDT", price_scale=4)])
    assert index.resolve("XRPUSDT") == (SPOT, "XRPUSDT")
    assert index.instrument(Place(SPOT, "BTCUSDT")).price_scale == 4
    assert len(index) == count + 1


def test_memory_of_answers_is_bounded(index: SymbolIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("papertape.data.wire.symbols.ASKED_MAX", 3)
    for text in ("EURUSD.a", "EURUSD.b", "EURUSD.c", "EURUSD.d"):
        index.resolve(text, [MT5])
    assert len(index._answers) == 1


def test_a_text_is_taken_apart() -> None:
    assert take_apart("btc/usdt:usdt") == ("btc/usdt:usdt", "BTCUSDT", "USDT", True, True)
    assert take_apart("BTCUSDT") == ("BTCUSDT", "BTCUSDT", "", False, False)

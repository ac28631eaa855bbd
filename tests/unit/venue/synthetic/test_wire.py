import json

from papertape.venue.lines import depth_decoder, ticker_decoder, trade_decoder
from papertape.venue.matching import BUY, SELL
from papertape.venue.synthetic.listings import LISTINGS
from papertape.venue.synthetic.wire import wire_of

BITCOIN = LISTINGS[0]
SPOT, USDM = wire_of("binance-spot", BITCOIN), wire_of("binance-usdm", BITCOIN)
MS = 1_700_000_000_000


def test_spot() -> None:
    trade = {
        "e": "trade",
        "E": MS,
        "s": "BTCUSDT",
        "t": 5,
        "p": "64000.01000000",
        "q": "0.00012000",
        "T": MS,
        "m": True,
    }
    assert json.loads(SPOT.trade(MS, 5, 6_400_001, 12, SELL)) == trade | {"M": True}
    ticker = {"u": 9, "s": "BTCUSDT", "b": "1.00000000", "B": "0.00002000", "a": "1.01000000", "A": "0.00003000"}
    assert json.loads(SPOT.ticker(MS, 9, (100, 2), (101, 3))) == ticker
    depth = json.loads(SPOT.depth(MS, (6, 7, 9), [(100, 2), (99, 0)], []))
    levels = [["1.00000000", "0.00002000"], ["0.99000000", "0.00000000"]]
    assert depth == {"e": "depthUpdate", "E": MS, "s": "BTCUSDT", "U": 7, "u": 9, "b": levels, "a": []}


def test_usdm() -> None:
    trade = {"e": "trade", "E": MS, "T": MS, "s": "BTCUSDT", "t": 5, "p": "64000.01", "q": "0.00012", "X": "MARKET"}
    assert json.loads(USDM.trade(MS, 5, 6_400_001, 12, BUY)) == trade | {"m": False}
    ticker = json.loads(USDM.ticker(MS, 9, (100, 2), (101, 3)))
    assert (ticker["e"], ticker["T"], ticker["E"], ticker["a"]) == ("bookTicker", MS, MS, "1.01")
    depth = json.loads(USDM.depth(MS, (6, 7, 9), [], [(100, 2)]))
    assert (depth["pu"], depth["T"], depth["a"]) == (6, MS, [["1.00", "0.00002"]])


def test_the_box_reads_what_it_writes() -> None:
    for wire in (SPOT, USDM):
        assert trade_decoder.decode(wire.trade(MS, 5, 1, 2, BUY)).id == 5
        assert ticker_decoder.decode(wire.ticker(MS, 9, (1, 2), (3, 4))).update_id == 9
        assert depth_decoder.decode(wire.depth(MS, (6, 7, 9), [], [])).first_id == 7


def test_whole_sizes_have_no_point_on_usdm() -> None:
    ripple = wire_of("binance-usdm", LISTINGS[4])
    assert ripple.levels([(5_800, 12)]) == [("0.5800", "12")]

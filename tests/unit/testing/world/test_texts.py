import json

from papertape.testing.world.chance import Chance
from papertape.testing.world.market import Depth, Print, Quote, SimMarket
from papertape.testing.world.texts import Texts, decimal, error


def market_of(price_decimals=2, size_decimals=3):
    market = SimMarket("AAAUSDT", leaps=False, chance=Chance(1, "market"), tell=lambda event: None)
    market.price_decimals, market.size_decimals = price_decimals, size_decimals
    return market


def test_decimals():
    assert decimal(12_345, 2) == "123.45"
    assert decimal(5, 3, 8) == "0.00500000"
    assert decimal(7, 0) == "7"
    assert decimal(7, 0, 2) == "7.00"


def test_spot_writes_eight_decimals_and_contiguous_ids():
    texts, market = Texts(usdm=False), market_of()
    stream, frame = texts.frame(market, Depth(13, 17, 10, {1_000: 5, 2_000: 0}, {3_000: 7}, 99), 100)
    data = json.loads(frame)["data"]
    assert stream == json.loads(frame)["stream"] == "aaausdt@depth@100ms"
    assert (data["U"], data["u"], "pu" in data, "T" in data) == (11, 17, False, False)
    assert data["b"] == [["2.00000000", "0.00000000"], ["1.00000000", "0.00500000"]]
    _, frame = texts.frame(market, Print(4, 1_230, 5, True, 99), 100)
    assert list(json.loads(frame)["data"]) == ["e", "E", "s", "t", "p", "q", "T", "m", "M"]
    _, frame = texts.frame(market, Quote(9, 1_000, 1, 1_010, 2, 99), 100)
    assert list(json.loads(frame)["data"]) == ["u", "s", "b", "B", "a", "A"]


def test_usdm_writes_the_ticks_decimals_times_and_the_id_before():
    texts, market = Texts(usdm=True), market_of()
    _, frame = texts.frame(market, Depth(13, 17, 10, {1_000: 5, 2_000: 0}, {}, 99), 100)
    data = json.loads(frame)["data"]
    assert (data["U"], data["u"], data["pu"], data["E"], data["T"]) == (13, 17, 10, 100, 99)
    assert data["b"] == [["1.00", "0.005"], ["2.00", "0.000"]]
    market.units_per_tick = 1
    assert texts.price(market, 1_234) == "1.234"


def test_rest_bodies():
    texts, market = Texts(usdm=True), market_of()
    snapshot = json.loads(texts.snapshot(market, 3, 7))
    assert snapshot["lastUpdateId"] == market.update_id
    assert [len(snapshot["bids"]), len(snapshot["asks"]), snapshot["E"]] == [3, 3, 7]
    assert snapshot["bids"] == sorted(snapshot["bids"], key=lambda one: -float(one[0]))
    listing = json.loads(texts.exchange_info([market], 7))["symbols"][0]
    assert (listing["symbol"], listing["baseAsset"], listing["filters"][0]["tickSize"]) == ("AAAUSDT", "AAA", "0.01")
    trade = json.loads(texts.trades(market, [Print(4, 1_230, 5, True, 99)]))[0]
    assert (trade["id"], trade["price"], trade["qty"], trade["time"], trade["isBuyerMaker"]) == (
        4,
        "1.23",
        "0.005",
        99,
        True,
    )
    assert json.loads(error(-1, "x")) == {"code": -1, "msg": "x"}

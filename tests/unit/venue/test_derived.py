"""What is derived from a market, without a server."""

import itertools
import json
from typing import Any

import msgspec
import pytest

from papertape.tape.reels import Frame
from papertape.venue import lines
from papertape.venue.derived import Derived
from papertape.venue.market import Market
from papertape.venue.rules import RULES, VenueName
from papertape.venue.sources import SyntheticSource
from papertape.venue.synthetic.market import BEGIN_NS, SyntheticMarket

SECOND = 1_000_000_000


def run(venue: VenueName, streams: list[str], seconds: int, final_times: int = 1) -> tuple[Market, list[Any]]:
    """All frames of these streams."""
    synthetic = SyntheticMarket(3, ("BTCUSDT", "ETHUSDT"), venue)
    market = Market(synthetic.facts(), RULES[venue])
    derived = Derived(market, RULES[venue], lambda symbol: final_times)
    source = SyntheticSource(synthetic, BEGIN_NS + seconds * SECOND)
    frames = []
    while (due_ns := source.due_ns) is not None:
        frames += [json.loads(payload) for _, payload in derived.due(due_ns // 1_000_000, streams)]
        for frame, line in source.take():
            market.play(frame, line)
    return market, frames


@pytest.mark.parametrize(("venue", "period_ms"), [("binance-spot", 2000), ("binance-usdm", 250)])
def test_klines_are_repeated_and_closed_once(venue: VenueName, period_ms: int) -> None:
    market, frames = run(venue, ["btcusdt@kline_1m"], 125)
    assert {frame["E"] % period_ms for frame in frames} == {0}
    closed = [frame["k"] for frame in frames if frame["k"]["x"]]
    assert [kline["t"] // 60_000 % 60 for kline in closed] == [0, 1]
    trades = [lines.trade_decoder.decode(data) for data in market.prints["BTCUSDT"]]
    for kline in closed:
        inside = [trade for trade in trades if kline["t"] <= trade.time_ms <= kline["T"]]
        assert (kline["n"], kline["f"], kline["L"]) == (len(inside), inside[0].id, inside[-1].id)
        assert (float(kline["o"]), float(kline["c"])) == (float(inside[0].price), float(inside[-1].price))
        assert float(kline["h"]) == max(float(trade.price) for trade in inside)
        assert float(kline["v"]) == pytest.approx(sum(float(trade.size) for trade in inside))


@pytest.mark.parametrize("times", [0, 3])
def test_the_closing_message_is_left_out_or_repeated(times: int) -> None:
    _, frames = run("binance-spot", ["btcusdt@kline_1s"], 4, times)
    closed = [frame["k"]["t"] for frame in frames if frame["k"]["x"]]
    assert closed == sorted(list(dict.fromkeys(closed)) * times)
    assert len(closed) >= 2 * times


def test_tickers_and_averages_of_spot() -> None:
    _, frames = run("binance-spot", ["btcusdt@ticker", "!miniTicker@arr", "ethusdt@avgPrice"], 5)
    tickers = [frame for frame in frames if isinstance(frame, dict) and frame["e"] == "24hrTicker"]
    assert list(tickers[0]) == [
        "e",
        "E",
        "s",
        "p",
        "P",
        "w",
        "c",
        "Q",
        "x",
        "b",
        "B",
        "a",
        "A",
        "o",
        "h",
        "l",
        "v",
        "q",
        "O",
        "C",
        "F",
        "L",
        "n",
    ]
    assert tickers[-1]["n"] == tickers[-1]["L"] - tickers[-1]["F"] + 1
    arrays = [frame for frame in frames if isinstance(frame, list)]
    assert [one["s"] for one in arrays[-1]] == ["BTCUSDT", "ETHUSDT"]
    averages = [frame for frame in frames if isinstance(frame, dict) and frame["e"] == "avgPrice"]
    assert 2000 < float(averages[-1]["w"]) < 3500


def test_mark_prices_and_liquidations_of_usdm() -> None:
    _, frames = run("binance-usdm", ["btcusdt@markPrice@1s", "!forceOrder@arr", "!markPrice@arr"], 60)
    marks = [frame for frame in frames if isinstance(frame, dict) and frame["e"] == "markPriceUpdate"]
    assert [after["E"] - before["E"] for before, after in itertools.pairwise(marks)] == [1000] * (len(marks) - 1)
    for mark in marks:
        assert abs(float(mark["p"]) / float(mark["i"]) - 1) < 0.01
        assert mark["T"] % 28_800_000 == 0
    forced = [frame for frame in frames if isinstance(frame, dict) and frame["e"] == "forceOrder"]
    assert forced
    assert all(frame["o"]["X"] == "FILLED" for frame in forced)


@pytest.mark.parametrize(
    ("venue", "stream", "known"),
    [
        ("binance-spot", "btcusdt@kline_1s", True),
        ("binance-usdm", "btcusdt@kline_1s", False),
        ("binance-spot", "btcusdt@kline_2m", False),
        ("binance-spot", "BTCUSDT@kline_1m", False),
        ("binance-spot", "xrpusdt@kline_1m", False),
        ("binance-spot", "btcusdt@markPrice", False),
        ("binance-usdm", "btcusdt@markPrice", True),
        ("binance-spot", "!ticker@arr", False),
        ("binance-usdm", "!ticker@arr", True),
    ],
)
def test_which_streams_there_are(venue: VenueName, stream: str, known: bool) -> None:
    market = Market(SyntheticMarket(3, ("BTCUSDT",), venue).facts(), RULES[venue])
    assert Derived(market, RULES[venue]).knows(stream) is known


def test_a_beat_is_told_once() -> None:
    market = Market(SyntheticMarket(3, ("BTCUSDT",)).facts(), RULES["binance-spot"])
    data = b'{"e":"trade","E":1000,"s":"BTCUSDT","t":1,"p":"2","q":"1","T":1000,"m":true}'
    market.play(Frame(1, data, "test", 0), lines.Line(stream="btcusdt@trade", data=msgspec.Raw(data)))
    derived = Derived(market, RULES["binance-spot"])
    assert len(derived.due(2_000, ["btcusdt@miniTicker"])) == 1
    assert derived.due(2_100, ["btcusdt@miniTicker"]) == []
    assert len(derived.due(4_000, ["btcusdt@miniTicker"])) == 2

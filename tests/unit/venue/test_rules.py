"""Stream names, and which connection of USD-M carries which."""

import pytest

from papertape.venue.rules import (
    SPOT,
    USDM,
    Category,
    delivers,
    is_diff_depth,
    partial_levels,
    symbol_of,
    well_formed,
)


@pytest.mark.parametrize(
    "stream",
    ["btcusdt@trade", "btcusdt@depth@100ms", "btcusdt@kline_1d@+08:00", "!bookTicker", "!ticker@arr", "tradingSession"],
)
def test_names_of_the_catalogue_are_well_formed(stream: str) -> None:
    assert well_formed(stream)


@pytest.mark.parametrize("stream", ["", "btcusdt", "@trade", "btcusdt@", "btc usdt@trade", "a/b@trade", "!"])
def test_other_names_are_not(stream: str) -> None:
    assert not well_formed(stream)


def test_symbol_of_a_stream() -> None:
    assert symbol_of("ethusd_perp@depth@0ms") == "ETHUSD_PERP"
    assert symbol_of("!miniTicker@arr") == ""


def test_depth_names() -> None:
    assert [is_diff_depth(f"x@depth{rest}") for rest in ("", "@0ms", "@100ms", "@500ms")] == [True] * 4
    assert not is_diff_depth("x@depth20@100ms")
    assert [partial_levels(f"x@depth{rest}") for rest in ("5", "10@500ms", "20@100ms", "", "7")] == [5, 10, 20, 0, 0]


@pytest.mark.parametrize(
    ("stream", "categories"),
    [
        ("x@bookTicker", {"unrouted", "public"}),
        ("!bookTicker", {"unrouted", "public"}),
        ("x@depth@0ms", {"unrouted", "public"}),
        ("x@depth20@100ms", {"unrouted", "public"}),
        ("x@trade", {"unrouted", "market"}),
        ("x@aggTrade", {"market"}),
        ("x@kline_1m", {"market"}),
        ("x@markPrice@1s", {"market"}),
        ("!ticker@arr", {"market"}),
        ("tradingSession", {"market"}),
    ],
)
def test_each_category_of_usdm_carries_its_own(stream: str, categories: set[Category]) -> None:
    assert {category for category in USDM.categories if delivers(category, stream)} == categories


def test_spot_has_one_category() -> None:
    assert SPOT.categories == ("unrouted",)

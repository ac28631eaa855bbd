"""Instruments from exchangeInfo, real and made up, and from decimals alone."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
import zstandard

from papertape.core.errors import DataError, UnknownInstrument
from papertape.core.instruments import InstrumentKind, check_listing
from papertape.data.wire.binance.listing import DecimalsSeen, decimal_is_positive, from_decimals, from_exchange_info
from papertape.data.wire.binance.payloads import ExchangeInfo, Snapshot, decode_exchange_info
from papertape.data.wire.binance.rules import SPOT, USDM, Rules


def info(filters: Sequence[Mapping[str, Any]], **more: Any) -> bytes:
    symbol = {"symbol": "ETHUSDT", "baseAsset": "ETH", "quoteAsset": "USDT", "filters": filters, **more}
    return json.dumps({"symbols": [symbol]}).encode()


def test_spot_filters_become_scales_and_rules() -> None:
    filters: list[dict[str, Any]] = [
        {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000", "tickSize": "0.01000000"},
        {"filterType": "LOT_SIZE", "minQty": "0.00010000", "maxQty": "9000", "stepSize": "0.00010000"},
        {"filterType": "NOTIONAL", "minNotional": "5.00000000"},
        {"filterType": "ICEBERG_PARTS", "limit": 10},
    ]
    one = from_exchange_info(SPOT, decode_exchange_info(info(filters)), "ETHUSDT")
    assert (one.price_scale, one.tick, one.size_scale, one.lot, one.min_size) == (2, 1, 4, 1, 1)
    assert one.min_notional == 5_000_000
    assert (one.kind, one.base, one.quote, one.settle) == (InstrumentKind.CRYPTO_SPOT, "ETH", "USDT", "USDT")


def test_usdm_filters_use_their_own_names() -> None:
    filters = [
        {"filterType": "PRICE_FILTER", "tickSize": "0.10"},
        {"filterType": "LOT_SIZE", "stepSize": "0.001", "minQty": "0.001"},
        {"filterType": "MIN_NOTIONAL", "notional": "100"},
    ]
    one = from_exchange_info(USDM, decode_exchange_info(info(filters, marginAsset="BNB")), "ETHUSDT")
    assert (one.price_scale, one.tick, one.size_scale, one.lot) == (1, 1, 3, 1)
    assert (one.min_notional, one.settle, one.kind) == (1_000_000, "BNB", InstrumentKind.LINEAR_PERPETUAL)


@pytest.mark.parametrize(
    "filters",
    [
        [],
        [
            {"filterType": "PRICE_FILTER", "tickSize": "0.00000000"},
            {"filterType": "LOT_SIZE", "stepSize": "0.00000000", "minQty": "0.00000000"},
        ],
    ],
)
def test_a_disabled_or_missing_filter_gives_the_venues_eight_decimals(filters: list[dict[str, Any]]) -> None:
    one = from_exchange_info(SPOT, decode_exchange_info(info(filters)), "ETHUSDT")
    assert (one.price_scale, one.size_scale, one.tick, one.lot, one.min_notional) == (8, 8, 1, 1, 0)


def test_an_unknown_symbol_is_named_with_some_that_are_known() -> None:
    with pytest.raises(UnknownInstrument, match=r"does not list NOSUCH.*ETHUSDT"):
        from_exchange_info(SPOT, decode_exchange_info(info([])), "NOSUCH")


@pytest.mark.parametrize("tick", ["x1", "1e-5", "0." + "0" * 30 + "1"])
def test_a_filter_that_is_no_usable_number_is_bad_input(tick: str) -> None:
    body = info([{"filterType": "PRICE_FILTER", "tickSize": tick}])
    with pytest.raises(DataError):
        from_exchange_info(SPOT, decode_exchange_info(body), "ETHUSDT")


@pytest.mark.parametrize(("text", "expected"), [("0", False), ("0.000", False), ("0.001", True), ("10", True)])
def test_zero_means_off(*, text: str, expected: bool) -> None:
    assert decimal_is_positive(text) is expected


def test_decimals_are_trimmed_and_absurd_ones_not_believed() -> None:
    seen = DecimalsSeen()
    bids = [("10.2500", "1.0"), ("9.1", "0.001"), ("x", "1e5"), ("0.1234567890123456", "1")]
    told = msgspec.json.encode({"lastUpdateId": 1, "bids": bids, "asks": [("11", "2.00")]})
    seen.look_at_snapshot(msgspec.json.decode(told, type=Snapshot))
    assert (seen.price_scale, seen.size_scale) == (2, 3)


@pytest.mark.parametrize(
    ("symbol", "base", "quote"),
    [
        ("ETHUSDT", "ETH", "USDT"),
        ("BNBBTC", "BNB", "BTC"),
        ("ETHUSD_PERP", "ETHUSD_PERP", "UNKNOWN"),
        ("BTC", "BTC", "UNKNOWN"),
    ],
)
def test_assets_are_guessed_from_the_symbol(symbol: str, base: str, quote: str) -> None:
    one = from_decimals(SPOT, symbol, DecimalsSeen())
    assert (one.base, one.quote, one.tick, one.lot) == (base, quote, 1, 1)
    assert check_listing(one) is None


def unpacked(path: Path) -> bytes:
    with zstandard.open(path, "rb") as file:
        return bytes(file.read())


def recorded_infos(data: Path) -> list[tuple[str, Rules, bytes]]:
    """Every exchangeInfo among the recordings that is no error body."""
    found: list[tuple[str, Rules, bytes]] = []
    for path in sorted(data.glob("cryptofeed/*/*.0.zst")):
        for line in unpacked(path).splitlines():
            address, _, rest = line.partition(b" -> ")
            if address.endswith(b"exchangeInfo"):
                found.append((str(path), SPOT if b"/api/" in address else USDM, rest.partition(b": ")[2]))
    for path in sorted(data.glob("gocryptotrader/*.json.zst")):
        for route, methods in json.loads(unpacked(path))["routes"].items():
            if route.endswith("exchangeInfo"):
                rules = SPOT if route.startswith("/api/") else USDM
                bodies = [one["data"] for one in methods["GET"] if "symbols" in one["data"]]
                found += [(f"{path} {route}", rules, json.dumps(body).encode()) for body in bodies]
    return found


@pytest.mark.recordings
def test_every_symbol_of_every_recorded_exchange_info_can_be_listed(recordings: Path) -> None:
    infos = recorded_infos(recordings.parent)
    assert len(infos) >= 6
    listed = 0
    for where, rules, body in infos:
        for symbol in decode_exchange_info(body).symbols:
            one = from_exchange_info(rules, ExchangeInfo(symbols=[symbol]), symbol.symbol)
            assert check_listing(one) is None, where
            listed += 1
    assert listed > 1_000

"""One symbol: epochs, verdicts of ids, held and repeated depth, backfilled prints."""

import json

import pytest

from papertape.core.book import Market
from papertape.core.errors import DecodeError
from papertape.core.records import NO_ID, Flag, GapCause, Kind, PrintCause, Verdict, as_records
from papertape.data.wire.binance.numbers import PARSED_MAX
from papertape.data.wire.binance.rules import USDM
from tests.binance_frames import TS, combined, depth, instrument, machine, snapshot, taken, ticker, trade


def test_a_print_carries_what_the_venue_said() -> None:
    one = machine()
    one.take(TS, trade(7, "10.55", "0.125", m=True, T=2_000, E=3_000))
    (record,) = taken(one)
    assert record["ts_event_ns"] == 2_000_000_000
    assert record["ts_recv_ns"] == TS
    assert (record["price"], record["size"], record["id"], record["x"]) == (1055, 125, 7, 0)
    assert record["flags"] == Flag.FIRST | Flag.LAST | Flag.ASK


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        ("MARKET", PrintCause.MARKET),
        ("INSURANCE_FUND", PrintCause.INSURANCE_FUND),
        ("", PrintCause.NOT_SAID),
        ("ADL", PrintCause.OTHER),
    ],
)
def test_the_cause_of_a_usdm_print(said: str, cause: PrintCause) -> None:
    one = machine(rules=USDM)
    one.take(TS, trade(1, X=said))
    assert taken(one)["x"].tolist() == [cause]


def test_a_print_at_price_zero_is_kept_and_judged() -> None:
    one = machine(rules=USDM)
    one.take(TS, trade(1, "0", "1", X=""))
    (record,) = taken(one)
    assert record["verdict"] == Verdict.NON_POSITIVE


def test_trade_ids_are_judged_and_gaps_told() -> None:
    one = machine()
    for number in (5, 6, 6, 9, 7, 3):
        one.take(TS, trade(number))
    records = as_records(one.gate.buffer.take())
    prints = records[records["kind"] == Kind.PRINT]
    late = Verdict.OUT_OF_ORDER
    assert prints["verdict"].tolist() == [0, 0, Verdict.DUPLICATE, Verdict.SEQUENCE_GAP, late, late]
    (gap,) = records[records["kind"] == Kind.GAP]
    assert (gap["price"], gap["x"], gap["y"], gap["id"]) == (GapCause.IDS_MISSING, 7, 8, Kind.PRINT)


@pytest.mark.parametrize(
    "frame",
    [trade(2, "0.12345"), ticker(13, b="9.9999"), depth(12, 12, [["9.12345", "1"]]), trade(2, q="0.00001")],
)
def test_a_finer_value_opens_an_epoch_and_the_book_says_the_same(frame: bytes) -> None:
    one, market = machine(), Market()
    one.list_instrument(instrument(), TS)
    one.take(TS, snapshot(10, [["10.25", "1.5"]], [["11", "2"]]))
    one.take(TS, depth(11, 11, [["10.5", "3"]]))
    market.apply(one.gate.buffer.take())
    before = market.views()[0]
    one.take(TS, frame)
    market.apply(one.gate.buffer.take())
    after = market.views()[0]
    assert after.instrument.epoch == before.instrument.epoch + 1
    price = 10 ** (after.instrument.price_scale - before.instrument.price_scale)
    size = 10 ** (after.instrument.size_scale - before.instrument.size_scale)
    assert price * size > 1
    for level in before.bids:
        assert (level[0] * price, level[1] * size) in after.bids
    assert after.instrument.tick == (1 if price > 1 else before.instrument.tick)


def test_a_stream_has_one_hash_whatever_scale_it_began_with() -> None:
    frames = [snapshot(10), depth(11, 11, [["9.5", "3"]]), ticker(11, b="10"), trade(1, "10.12"), trade(2, "10.12345")]
    hashes = set()
    for price_scale, size_scale in ((0, 0), (2, 3), (8, 8)):
        one, market = machine(price_scale=price_scale, size_scale=size_scale), Market()
        one.list_instrument(instrument(price_scale=price_scale, size_scale=size_scale), TS)
        for frame in frames:
            one.take(TS, frame)
        market.apply(one.gate.buffer.take())
        hashes.add(market.state_hash())
    assert len(hashes) == 1


def test_a_value_too_fine_beside_those_seen_is_refused_even_behind_another_epoch() -> None:
    one, market = machine(), Market()
    one.list_instrument(instrument(), TS)
    one.take(TS, snapshot(10, [["100000000", "1"]], [["100000001", "1"]]))
    one.take(TS, trade(1, "0.12345678"))
    with pytest.raises(DecodeError, match="finer than can be held"):
        one.take(TS, trade(2, "0.123456789012345678"))
    market.apply(one.gate.buffer.take())
    assert market.views()[0].bids == [(10**16, 1000)]


def test_a_value_too_fine_for_the_rules_is_refused() -> None:
    one = machine(min_notional=500_000)
    with pytest.raises(DecodeError, match="finer than the rules"):
        one.take(TS, trade(1, "0.123456789012345678"))
    assert one.malformed == 1


@pytest.mark.parametrize("price", ["92233720368547758.07", "46116860184273879.05"])
def test_a_value_beyond_62_bits_is_refused(price: str) -> None:
    one = machine()
    with pytest.raises(DecodeError, match="expected numbers that fit"):
        one.take(TS, depth(1, 2, [], [[price, "1"]]))


def test_a_frame_that_opens_an_epoch_and_then_fails_leaves_only_the_epoch() -> None:
    one = machine()
    with pytest.raises(DecodeError):
        one.take(TS, ticker(5, b="9.9999", a="1e30"))
    records = as_records(one.gate.buffer.take())
    assert set(records["kind"].tolist()) == {Kind.INSTRUMENT}


def test_held_depth_is_repeated_behind_its_snapshot_without_a_finding() -> None:
    one = machine()
    for number in range(9, 14):
        one.take(TS, depth(number, number, [["10", str(number)]]))
    one.take(TS, snapshot(10))
    records = taken(one)
    repeated = records[records["flags"] & Flag.REPEAT != 0]
    assert repeated["id"].tolist() == [11, 12, 13]
    assert not records["verdict"].any()


@pytest.mark.parametrize("with_first", [True, False])
def test_depth_that_does_not_follow_tells_of_a_gap(*, with_first: bool) -> None:
    one = machine()
    one.take(TS, snapshot(10))
    if with_first:
        one.take(TS, depth(11, 11))
    one.gate.buffer.take()
    one.take(TS, depth(20, 21))
    records = as_records(one.gate.buffer.take())
    assert records["kind"].tolist() == [Kind.GAP, Kind.DEPTH_DELTA]
    assert (records["x"][0], records["y"][0], records["id"][0]) == (NO_ID, 19, Kind.DEPTH_DELTA)
    assert records["flags"][1] & Flag.HELD
    assert records["verdict"][1] == (Verdict.SEQUENCE_GAP if with_first else 0)


def test_backfilled_prints_count_once_and_a_bad_row_leaves_all_missing() -> None:
    one = machine()
    one.take(TS, trade(1))
    one.take(TS, trade(5))
    one.gate.buffer.take()
    row = {"id": 2, "price": "1", "qty": "1", "time": 5, "isBuyerMaker": False}
    with pytest.raises(DecodeError):
        one.take_trades(TS, "ETHUSDT", json.dumps([row, row | {"id": 3, "price": "1e5"}]).encode())
    assert one.gate.buffer.take() == b""
    assert one.feeds["ETHUSDT"].trade_ids.missing == 3
    one.take_trades(TS, "ETHUSDT", json.dumps([row, row, row | {"id": 1}, row | {"id": 9}]).encode())
    records = taken(one)
    assert records["id"].tolist() == [2]
    assert records["flags"][0] & Flag.BACKFILL


def test_aggregates_carry_their_range_and_are_followed_by_their_own_ids() -> None:
    one = machine()
    data = {
        "e": "aggTrade",
        "E": 1,
        "s": "ETHUSDT",
        "a": 5,
        "p": "1",
        "q": "2",
        "nq": "1",
        "f": 7,
        "l": 9,
        "T": 4,
        "m": True,
    }
    for number in (5, 6, 8):
        one.take(TS, combined("ethusdt@aggTrade", data | {"a": number, "st": 1}))
    records = taken(one)
    assert records["verdict"].tolist() == [0, 0, Verdict.SEQUENCE_GAP]
    assert (records["x"][0], records["y"][0], records["flags"][0]) == (7, 9, Flag.FIRST | Flag.LAST | Flag.ASK)


def test_a_tape_that_knows_the_symbol_continues_its_epochs_and_loses_its_book() -> None:
    one = machine()
    known = instrument(price_scale=4, tick=100)
    feed = type(one.feeds["ETHUSDT"])(one.rules, "ETHUSDT", 0, one.gate, known)
    feed.list_instrument(instrument(price_scale=2), TS)
    assert feed.instrument == known
    records = as_records(one.gate.buffer.take())
    assert records["kind"][-1] == Kind.GAP
    finer = type(feed)(one.rules, "ETHUSDT", 0, one.gate, known)
    finer.list_instrument(instrument(price_scale=6), TS)
    assert finer.instrument is not None
    assert (finer.instrument.price_scale, finer.instrument.epoch) == (6, 1)


def test_depth_that_comes_again_is_judged_and_does_not_touch_the_book() -> None:
    one = machine()
    one.take(TS, snapshot(10))
    one.take(TS, depth(5, 9, E=4))
    for first, final in ((11, 12), (13, 14), (13, 14), (11, 12)):
        one.take(TS, depth(first, final, [["10", "1"]], E=5))
    records = taken(one)[2:]
    assert records["verdict"].tolist() == [0, 0, 0, Verdict.DUPLICATE, Verdict.OUT_OF_ORDER]
    held = int(Flag.HELD)
    assert (records["flags"] & held).tolist() == [held, 0, 0, held, held]


def test_what_is_remembered_of_texts_is_bounded() -> None:
    one = machine()
    (feed,) = one.feeds.values()
    for number in range(3 * PARSED_MAX):
        one.take(TS, trade(number, "10.55", f"0.{number:05d}"))
        assert len(feed._sizes) <= PARSED_MAX
    assert len(feed._prices) == 1
    assert PARSED_MAX <= 1 << 9, "two fields of fifty instruments fit into 10 MB"

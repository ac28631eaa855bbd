"""Fuzz: whatever a frame holds, it is taken or refused with a DecodeError, and a refused one leaves no trace."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from papertape.core.book import Market
from papertape.core.errors import DataError, DecodeError
from papertape.core.records import Kind, as_records
from papertape.data.wire.binance.machine import BinanceMachine
from papertape.data.wire.binance.prelude import Prelude
from papertape.data.wire.binance.rules import SPOT, USDM
from tests.binance_frames import TS, combined, depth, instrument, machine, snapshot, ticker, trade

SEEDS = [
    trade(7),
    trade(7, X="MARKET"),
    ticker(12),
    depth(13, 14, [["10", "1"], ["9.5", "0"]], [["11", "2"]], pu=12, T=5),
    snapshot(20, [["10.00", "1.000"]] * 3),
    combined("ethusdt@depth5", {"lastUpdateId": 9, "bids": [["1", "1"]], "asks": []}),
    combined("ethusdt@aggTrade", {"a": 1, "p": "1", "q": "1", "f": 1, "l": 1, "T": 1, "m": True}),
    json.dumps([{"id": 6, "price": "1", "qty": "1", "time": 5, "isBuyerMaker": False}]).encode(),
    b'{"symbols":[{"symbol":"ETHUSDT","filters":[]}],"serverTime":1}',
    b'{"error":{"code":2,"msg":"x"},"id":1}',
    b'{"papertape":{"trades_until":9}}',
    b'{"e":"trade","s":"ETHUSDT","t":7,"p":"1","q":"1","T":1,"m":true}',
]
WILD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([-1, -2, 1 << 62, (1 << 62) + 1, 1 << 63, 1 << 64, 10**40]),
    st.floats(),
    st.text(max_size=6),
    st.sampled_from(
        ["0", "-1", "1e30", "NaN", "Infinity", "9" * 18, "9" * 40, "0." + "0" * 17 + "1", "0." + "1" * 30, "٣", ""]
    ),
    st.lists(
        st.lists(st.sampled_from(["1", "0", "-5", "0.00000001", "4611686018427387904", "x"]), max_size=3), max_size=3
    ),
)


def state(one: BinanceMachine) -> tuple[Any, ...]:
    feed = one.feeds["ETHUSDT"]
    ids = [(known.first, known.last, known.missing, known.duplicates) for known in (feed.trade_ids, feed.agg_ids)]
    sync = (feed.sync.synced, feed.sync.last_id, feed.sync.wants_snapshot, len(feed.sync._held), feed.sync._fresh)
    return (*ids, sync, dict(one.gate.found), one.shutdown_announced, tuple(one.control.refusals))


def begun(rules: Any) -> BinanceMachine:
    one = machine(rules=rules)
    for frame in (snapshot(10), depth(10, 12, pu=10), trade(1), trade(5)):
        one.take(TS, frame)
    return one


def attack(frame: bytes) -> None:
    """Take `frame` on both markets; books must be able to apply whatever was taken."""
    for rules in (SPOT, USDM):
        one, market = begun(rules), Market()
        one.gate.fact(b"")
        market.apply(_listed() + one.gate.buffer.take())
        before = state(one)
        try:
            one.take(TS, frame)
        except DecodeError:
            assert state(one) == before
            left = as_records(one.gate.buffer.take())
            assert (left["kind"] == Kind.INSTRUMENT).all()
            market.apply(left.tobytes())
        else:
            market.apply(one.gate.buffer.take())


def _listed() -> bytes:
    one = machine()
    one.list_instrument(instrument(), TS)
    return one.gate.buffer.take()


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(SEEDS), st.data())
def test_mutated_bytes(seed: bytes, data: st.DataObject) -> None:
    frame = bytearray(seed)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, max(len(frame) - 1, 0)))
        end = data.draw(st.integers(at, min(at + 5, len(frame))))
        frame[at:end] = data.draw(
            st.binary(max_size=5) | st.sampled_from([b'"', b"{", b"]", b",", b"-", b"1e9", b"00"])
        )
    attack(bytes(frame))


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(SEEDS), st.data())
def test_wild_values_under_known_keys(seed: bytes, data: st.DataObject) -> None:
    tree = json.loads(seed)
    inner = tree[0] if isinstance(tree, list) else tree.get("data", tree)
    for key in data.draw(st.lists(st.sampled_from(sorted(inner)), min_size=1, max_size=3)):
        inner[key] = data.draw(WILD)
    attack(json.dumps(tree, separators=(",", ":")).encode())


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60))
def test_random_bytes(frame: bytes) -> None:
    attack(frame)
    attack(b'{"stream":"ethusdt@depth","data":' + frame)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(st.sampled_from(SEEDS), st.binary(max_size=30)), max_size=4))
def test_the_prelude_refuses_or_tells(frames: list[bytes]) -> None:
    prelude = Prelude()
    try:
        for frame in frames:
            prelude.look(frame)
        assert prelude.instrument(SPOT, "ETHUSDT").symbol == "ETHUSDT"
    except DataError:
        return


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.sampled_from(["1", "100000000", "0.01", "0.12345678", "0.123456789012345678", "46116860184273879"]),
        max_size=8,
    )
)
def test_any_row_of_coarse_and_fine_values_leaves_books_that_can_be_told(prices: list[str]) -> None:
    one, market = machine(), Market()
    market.apply(_listed())
    one.take(TS, snapshot(10))
    for number, price in enumerate(prices):
        try:
            one.take(TS, depth(11 + number, 11 + number, [[price, "1"]]))
        except DecodeError:
            one.take(TS, depth(11 + number, 11 + number))
        market.apply(one.gate.buffer.take())
        assert market.synced


def test_huge_frames_are_taken() -> None:
    one = begun(SPOT)
    one.take(TS, depth(13, 13, [[f"{number}.5", "1"] for number in range(1, 60_001)]))
    assert one.gate.buffer.count > 60_000
    with pytest.raises(DecodeError):
        one.take(TS, b'{"stream":"ethusdt@trade","data":{"zz":' + b'{"a":' * 100_000)

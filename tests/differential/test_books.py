"""Plain, compiled and naive book on the same random streams: levels, top, counts and state hash."""

import json
import os
import subprocess
import sys
from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from papertape.core.book import BookView, Market
from papertape.core.book.compiled import CompiledMarket
from papertape.core.records import Flag, as_records
from papertape.testing.naive_book import NaiveBook
from tests.binance_frames import TS, Levels, combined, depth, instrument, machine, snapshot, ticker, trade

PRICES = st.one_of(
    st.integers(9_900, 10_100), st.integers(1, 40_000), st.sampled_from([1, 20_000, 163_840, 10**9, 10**12])
).map(lambda ticks: f"{ticks // 100}.{ticks % 100:02d}")
SIZES = st.sampled_from(["0", "0", "0.001", "1", "2.5", "1000000"])
LEVELS: st.SearchStrategy[Levels] = st.lists(st.tuples(PRICES, SIZES).map(list), max_size=8)
STEPS = st.one_of(
    st.tuples(st.just("depth"), LEVELS, LEVELS, st.sampled_from([1, 1, 1, 1, 1, 5])),
    st.tuples(st.just("snapshot"), LEVELS, LEVELS),
    st.tuples(st.just("ticker"), st.integers(-3, 4), PRICES, PRICES),
    st.tuples(st.just("trade"), st.integers(1, 3), st.sampled_from(["1", "1", "1.5", "0.123", "0.12345"])),
    st.tuples(st.just("mark"), st.sampled_from(["10.5", "-0.000012345678", "423075730671.12853"])),
    st.tuples(st.just("link down")),
)


def frames_of(steps: list[Any]) -> list[bytes]:
    """The steps as frames of a venue whose update id runs on."""
    frames, update_id, trade_id = [snapshot(10)], 10, 0
    for kind, *values in steps:
        if kind == "depth":
            frames.append(depth(update_id + values[2], update_id + values[2] + 1, values[0], values[1]))
            update_id += values[2] + 1
        elif kind == "snapshot":
            frames.append(snapshot(update_id, values[0], values[1]))
        elif kind == "ticker":
            frames.append(ticker(max(update_id + values[0], 0), values[1], values[2]))
        elif kind == "trade":
            trade_id += values[0]
            frames.append(trade(trade_id, values[1]))
        elif kind == "mark":
            data = {"e": "markPriceUpdate", "E": update_id, "s": "ETHUSDT", "p": values[0]}
            frames.append(combined("ethusdt@markPrice", data))
        else:
            frames.append(b'{"papertape":{"link":"down"}}')
    return frames


def exact(view: BookView) -> tuple[list[Any], list[Any]]:
    price, size = 10**view.instrument.price_scale, 10**view.instrument.size_scale
    bids = [(Fraction(p, price), Fraction(s, size)) for p, s in view.bids]
    return bids, [(Fraction(p, price), Fraction(s, size)) for p, s in view.asks]


def batches(frames: list[bytes], cuts: list[int]) -> list[bytes]:
    """The records of `frames`, cut after the frames with the given numbers."""
    one = machine()
    one.list_instrument(instrument(), TS)
    found = []
    for number, frame in enumerate(frames):
        one.take(TS, frame)
        if number in cuts:
            found.append(one.gate.buffer.take())
    return [*found, one.gate.buffer.take()]


def agree(datas: list[bytes]) -> tuple[Market, CompiledMarket]:
    plain, compiled = Market(), CompiledMarket()
    for data in datas:
        plain.apply(data)
        compiled.apply(as_records(data))
    assert plain.views() == [view._replace(running=view.running % (1 << 64)) for view in compiled.views()]
    assert plain.state_hash() == compiled.state_hash()
    assert plain.counts() == compiled.counts()
    assert plain.synced == compiled.synced
    return plain, compiled


@settings(max_examples=60, deadline=None)
@given(st.lists(STEPS, max_size=25), st.lists(st.integers(0, 24), max_size=5))
def test_plain_and_compiled_agree_however_the_stream_is_cut(steps: list[Any], cuts: list[int]) -> None:
    frames = frames_of(steps)
    whole, _ = agree(batches(frames, []))
    parts, _ = agree(batches(frames, cuts))
    assert whole.state_hash() == parts.state_hash()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(LEVELS, LEVELS), max_size=20))
def test_the_naive_book_agrees_on_every_level(updates: list[tuple[Levels, Levels]]) -> None:
    naive, frames = NaiveBook(), [snapshot(10)]
    naive.start([("10", "1")], [("11", "2")])
    for number, (bids, asks) in enumerate(updates):
        frames.append(depth(11 + number, 11 + number, bids, asks))
        naive.update([(p, s) for p, s in bids], [(p, s) for p, s in asks])
    plain, compiled = agree(batches(frames, []))
    assert exact(plain.views()[0]) == exact(compiled.views()[0]) == (naive.bids, naive.asks)
    price, size = 10**2, 10**3
    bid, bid_size, ask, ask_size = plain.books[0].top
    assert naive.top() == (
        Fraction(bid, price),
        Fraction(bid_size, size),
        Fraction(ask, price),
        Fraction(ask_size, size),
    )


def test_thousands_of_levels_far_apart_outgrow_the_first_size_class() -> None:
    bids = [[f"{number}.00", "1"] for number in range(1, 30_001)]
    asks = [[f"{number}.00", "2"] for number in range(50_000, 80_000)]
    plain, compiled = agree(batches([snapshot(10, bids, asks), depth(11, 11, [["30000", "0"]], [["50000", "0"]])], []))
    assert compiled._size_class == 1
    assert len(plain.views()[0].bids) == 29_999
    assert plain.books[0].top[0] == 29_999_00


def test_a_dense_book_that_is_rescaled_grows_instead_of_losing_levels() -> None:
    bids = [[f"{(20_000 - number) / 100:.2f}", "1"] for number in range(10_000)]
    plain, _ = agree(batches([snapshot(10, bids, [["1000", "1"]]), trade(1, "0.12345"), depth(11, 11, bids[:1])], []))
    assert len(plain.views()[0].bids) == 10_000


def test_emptied_sides_and_deep_retreats_keep_the_best_right() -> None:
    far = [[f"{number * 300}.00", "1"] for number in range(1, 50)]
    frames = [snapshot(10, far, far)]
    for number, (price, _) in enumerate(reversed(far)):
        frames.append(depth(11 + number, 11 + number, [[price, "0"]], [[far[number][0], "0"]]))
    for count in range(1, len(frames) + 1):
        agree(batches(frames[:count], []))


def stream(seed: int, count: int) -> list[bytes]:
    """A random market that drifts, from `seed`."""
    draws, frames, middle = np.random.default_rng(seed), [snapshot(10)], 100_000
    for number in range(11, 11 + count):
        middle += int(draws.integers(-40, 41))
        sides = [
            [
                [f"{(middle + sign * int(d)) / 100:.2f}", f"{int(s)}"]
                for d, s in draws.integers(0, 900, (6, 2)) // [1, 300]
            ]
            for sign in (-1, 1)
        ]
        frames += [depth(number, number, sides[0], sides[1]), ticker(number, "1", "2"), trade(number)]
    return frames


def moderate_hash() -> str:
    """State hash of a moderate stream by the compiled market; run in a process without compilation, too."""
    market = CompiledMarket()
    with np.errstate(over="ignore"):
        for data in batches(stream(7, 60), [40]):
            market.apply(as_records(data))
    return market.state_hash()


def test_kernels_give_the_same_without_compilation() -> None:
    script = (
        "from papertape.core.book.compiled import warm_up; warm_up()\n"
        "from tests.differential.test_books import moderate_hash; print(moderate_hash())"
    )
    answer = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.strip() == moderate_hash()


def test_the_hash_knows_neither_numbers_nor_order_of_instruments_nor_arrival() -> None:
    hashes = set()
    for names, later in ((("ETHUSDT", "BTCUSDT"), 0), (("BTCUSDT", "ETHUSDT"), 5_000)):
        one, plain, compiled = machine(*names), Market(), CompiledMarket()
        for name in names:
            one.list_instrument(instrument(name), TS)
        for symbol in ("ETHUSDT", "BTCUSDT"):
            one.take_snapshot(TS + later, symbol, snapshot(10))
            one.take(TS + later, depth(11, 11, [["10.5", "1" if symbol == "ETHUSDT" else "2"]], symbol=symbol))
        data = one.gate.buffer.take()
        plain.apply(data)
        compiled.apply(as_records(data))
        hashes |= {plain.state_hash(), compiled.state_hash()}
    assert len(hashes) == 1


def test_crossed_states_are_counted_alike() -> None:
    plain, _ = agree(
        batches([snapshot(10), depth(11, 11, [["12", "1"]]), ticker(11, "12", "11"), ticker(12, "5", "4")], [])
    )
    counts = plain.counts()
    assert counts.crossed == 3
    assert counts.book_checks == 1


def test_held_records_do_not_touch_the_book() -> None:
    one = machine()
    one.list_instrument(instrument(), TS)
    one.take(TS, depth(1, 2, [["5", "1"]]))
    data = one.gate.buffer.take()
    assert as_records(data)["flags"][-1] & Flag.HELD
    plain, _ = agree([data])
    assert plain.views()[0].bids == []
    assert json.loads(snapshot(1))["lastUpdateId"] == 1

"""From one connection to another: every interleaving of the two must give each id once, in order."""

import json
import random
from collections.abc import Iterable

import pytest

from papertape.data.wire.handover import HELD_BYTES_MAX, SEEN_MAX, Handover, SeenIds, ids_of, stream_of


def frame(stream: str, **data: object) -> bytes:
    return json.dumps({"stream": stream, "data": data}, separators=(",", ":")).encode()


def trade(number: int, symbol: str = "abc") -> bytes:
    return frame(f"{symbol}@trade", e="trade", E=1, s=symbol, t=number, p="1", q="1", T=1, m=True)


def depth(first: int, last: int) -> bytes:
    return frame("abc@depth@100ms", e="depthUpdate", E=1, s="ABC", U=first, u=last, b=[["1", "1"]], a=[])


def ids(frames: Iterable[bytes]) -> list[int]:
    return [found[1] for one in frames if (found := ids_of(one)) is not None]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (trade(7), (7, 7)),
        (depth(5, 9), (5, 9)),
        (frame("abc@aggTrade", e="aggTrade", E=1, a=3, f=1, l=2), (3, 3)),
        (frame("abc@bookTicker", u=4, s="ABC", b="1", B="1", a="2", A="1"), (4, 4)),
        (frame("abc@depth5@100ms", lastUpdateId=12, bids=[], asks=[]), (12, 12)),
        (frame("abc@kline_1m", e="kline", E=99, k={"t": 60, "T": 119}), (99, 99)),
        (b'{"stream":"!miniTicker@arr","data":[{"e":"24hrMiniTicker","E":5,"s":"ABC"}]}', (5, 5)),
        (frame("!serverShutdown", e="serverShutdown", E=5), None),
        (b'{"result":null,"id":3}', None),
        (b"", None),
        (b"[1,2,3]", None),
        (frame("abc@trade"), None),
    ],
)
def test_ids_are_those_of_the_stream(text: bytes, expected: tuple[int, int] | None) -> None:
    assert ids_of(text) == expected


def test_the_new_one_is_held_until_the_old_one_has_come_as_far() -> None:
    handover = Handover()
    assert ids(handover.take_old(trade(1))) == [1]
    assert handover.take_new(trade(3)) == []
    assert handover.take_new(trade(4)) == []
    assert ids(handover.take_old(trade(2))) == [2, 3, 4]
    assert handover.take_old(trade(3)) == []
    assert ids(handover.take_new(trade(5))) == [5]
    assert (handover.dropped, handover.held_bytes) == (1, 0)


def test_after_that_whichever_comes_first_is_taken() -> None:
    handover = Handover()
    taken = [*handover.take_old(trade(1)), *handover.take_new(trade(2))]
    taken += [*handover.take_old(trade(2)), *handover.take_old(trade(3)), *handover.take_new(trade(3))]
    assert ids([*taken, *handover.take_new(trade(4))]) == [1, 2, 3, 4]


def test_what_the_new_one_owes() -> None:
    handover = Handover()
    handover.take_old(trade(1, "early"))
    assert handover.owed == frozenset()
    handover.expect_all()
    handover.take_old(trade(1, "both"))
    handover.take_old(trade(1, "late"))
    handover.take_new(trade(2, "both"))
    assert handover.owed == {b"late@trade"}
    handover.expect_all()
    assert handover.owed == {b"late@trade"}, "being told again forgives nothing"
    handover.take_new(trade(9, "late"))
    assert handover.owed == frozenset()


def test_when_the_old_one_ends_what_is_held_comes() -> None:
    handover = Handover()
    handover.take_old(trade(1))
    handover.take_new(trade(5))
    assert ids(handover.finish()) == [5]
    assert handover.take_old(trade(5)) == []
    assert ids(handover.take_new(trade(6))) == [6]


def test_when_the_new_one_ends_the_old_one_goes_on_without_doubles() -> None:
    handover = Handover()
    handover.take_old(trade(1))
    handover.take_new(trade(2))
    handover.take_new(trade(3))
    handover.take_new(trade(7, "other"))
    handover.abandon()
    assert handover.held_bytes == 0
    assert [ids(handover.take_old(trade(number))) for number in (2, 3, 4)] == [[], [], [4]]
    assert ids(handover.take_old(trade(1, "other"))) == [1]


def test_what_is_no_stream_passes_and_what_is_held_is_bounded() -> None:
    handover = Handover()
    assert handover.take_new(b'{"result":null,"id":1}') == [b'{"result":null,"id":1}']
    assert handover.take_old(b"x") == [b"x"]
    big = frame("abc@trade", t=5, x="y" * HELD_BYTES_MAX)
    assert not handover.overflowed
    handover.take_new(big)
    assert handover.overflowed


def published(draw: random.Random) -> dict[str, list[bytes]]:
    """What a venue publishes of two streams; depth events hold several ids."""
    depths, last = [], 100
    for _ in range(60):
        first, last = last + 1, last + draw.randint(1, 5)
        depths.append(depth(first, last))
    return {"trade": [trade(number) for number in range(1, 61)], "depth": depths}


@pytest.mark.parametrize("seed", range(200))
def test_any_interleaving_gives_each_id_once_and_in_order(seed: int) -> None:
    """The new connection misses what came before it subscribed; either may be ahead; at the end either may be gone."""
    draw = random.Random(seed)
    handover, taken = Handover(), []
    streams = published(draw)
    lines: dict[str, list[bytes]] = {"old": [], "new": []}
    merged = [one for pair in zip(*streams.values(), strict=True) for one in pair]
    lines["old"] = merged
    lines["new"] = merged[draw.randint(0, 80) :]
    ends = draw.choice(["finish", "abandon"])
    while lines["old"] or lines["new"]:
        side = draw.choice([side for side in lines if lines[side]])
        taken += (handover.take_old if side == "old" else handover.take_new)(lines[side].pop(0))
    if ends == "finish":
        taken += handover.finish()
    else:
        handover.abandon()
    for name, frames in streams.items():
        came = [one for one in taken if name.encode() in stream_of(one)]
        assert came == frames


def book_ticker(number: int) -> bytes:
    return frame("abc@bookTicker", u=number, s="ABC", b="1", B="1", a="2", A="1")


def test_a_quote_out_of_order_in_an_overlap_is_no_double() -> None:
    handover = Handover()
    taken = [*handover.take_old(book_ticker(1)), *handover.take_new(book_ticker(2))]
    taken += [*handover.take_old(book_ticker(4)), *handover.take_old(book_ticker(3))]
    taken += [one for number in (3, 4, 5) for one in handover.take_new(book_ticker(number))]
    taken += [one for number in (2, 5, 6) for one in handover.take_old(book_ticker(number))]
    assert ids(taken) == [1, 2, 4, 3, 5, 6]
    assert handover.dropped == 4


def test_an_event_that_only_the_new_one_brought_is_taken_though_the_old_one_is_ahead() -> None:
    handover = Handover()
    handover.take_new(depth(3, 4))
    handover.take_new(depth(5, 6))
    assert ids(handover.take_old(depth(1, 2))) == [2, 4, 6]
    handover = Handover()
    handover.take_old(depth(1, 2))
    handover.take_old(depth(5, 6))
    assert ids(handover.take_new(depth(3, 4))) == [4], "the old one lost it"


def test_what_is_remembered_is_bounded_and_what_is_older_counts_as_seen() -> None:
    seen = SeenIds()
    assert not [number for number in range(10, 10 + SEEN_MAX + 5) if not seen.add(number)]
    assert (len(seen._ids), len(seen._order)) == (SEEN_MAX, SEEN_MAX)
    assert [seen.add(number) for number in (9, 10, 14, 15, 5_000)] == [False, False, False, False, True]


@pytest.mark.parametrize("seed", range(100))
def test_frames_reordered_in_an_overlap_come_once_each(seed: int) -> None:
    """Each connection brings its frames up to three places late; every id is taken once, and none is lost."""
    draw = random.Random(seed)
    handover = Handover()
    published = [book_ticker(number) for number in range(1, 201)]
    begins = draw.randint(20, 100)

    def shuffled(frames: list[bytes]) -> list[bytes]:
        places = sorted(range(len(frames)), key=lambda place: place + draw.uniform(0, 3))
        return [frames[place] for place in places]

    old = published[:10] + shuffled(published[10:])
    lines = {"old": old, "new": shuffled(published[begins:])}
    taken: list[bytes] = []
    while lines["old"] or lines["new"]:
        side = draw.choice([side for side in lines if lines[side]])
        taken += (handover.take_old if side == "old" else handover.take_new)(lines[side].pop(0))
    taken += handover.finish()
    assert sorted(ids(taken)) == list(range(1, 201))
    assert handover.dropped == len(published) - begins

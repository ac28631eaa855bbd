from pathlib import Path

import pytest

from papertape.core.errors import InputError
from papertape.venue.sources import ReelSource, Source, SyntheticSource
from papertape.venue.synthetic.market import BEGIN_NS, SyntheticMarket, synthetic_events


def played(source: Source) -> list[tuple[int, str, bytes]]:
    frames = []
    while (due_ns := source.due_ns) is not None:
        for frame, line in source.take():
            assert frame.ts_recv_ns == due_ns
            frames.append((due_ns, line.stream, bytes(line.data)))
    return frames


def test_a_reel_line_by_line(tmp_path: Path) -> None:
    reel = tmp_path / "a.reel"
    reel.write_text("".join(f'170000000000000{n} {{"stream":"a@trade","data":{n}}}\n' for n in range(3)))
    assert played(ReelSource([reel])) == [
        (1_700_000_000_000_000_000 + n * 1000, "a@trade", b"%d" % n) for n in range(3)
    ]


def test_a_broken_line_is_named_when_it_comes(tmp_path: Path) -> None:
    reel = tmp_path / "a.reel"
    reel.write_text('1700000000000000 {"stream":"a@trade","data":1}\n1700000000000001 {"stream\n')
    source = ReelSource([reel])
    assert source.due_ns is not None
    assert len(list(source.take())) == 1
    with pytest.raises(InputError, match="line 2"):
        played(source)


def test_a_reel_is_opened_when_it_plays(tmp_path: Path) -> None:
    source = ReelSource([tmp_path / "a.reel"])
    (tmp_path / "a.reel").write_text('1700000000000000 {"stream":"a@trade","data":1}\n')
    assert len(played(source)) == 1


def test_an_empty_reel_has_ended(tmp_path: Path) -> None:
    (tmp_path / "a.reel").write_text("")
    source = ReelSource([tmp_path / "a.reel"])
    assert source.due_ns is None
    assert list(source.take()) == []


def test_a_synthetic_market_until_its_end() -> None:
    source = SyntheticSource(SyntheticMarket(7, ("ETHUSDT",)), BEGIN_NS + 1_000_000_000)
    told = [event for event in played(source) if not event[1].endswith("@aggTrade")]
    assert told == [tuple(event) for event in synthetic_events(7, ("ETHUSDT",), 1)]


def test_a_synthetic_market_without_an_end() -> None:
    source = SyntheticSource(SyntheticMarket(7, ("ETHUSDT",)), None)
    for _ in range(1000):
        list(source.take())
    assert source.due_ns is not None


def test_orders_of_others_before_the_next_moment_are_in_it() -> None:
    market = SyntheticMarket(7, ("ETHUSDT",))
    source = SyntheticSource(market, None)
    book = market.books["ETHUSDT"]
    book.place(1, 1, book.bids.top()[0], 1_000_000_000)
    said: list[bytes] = []
    while not said:
        said = [bytes(line.data) for _, line in source.take() if line.stream.endswith("@bookTicker")]
    assert b'"B":"100' in said[0]

"""All symbols together: the order of time, what a seed means, and the same market on every machine."""

import hashlib
import json
from collections.abc import Iterable
from itertools import islice, pairwise

import pytest

from papertape.core.errors import InputError
from papertape.venue.synthetic.listings import NAMES
from papertape.venue.synthetic.market import BEGIN_NS, Event, SyntheticMarket, synthetic_events

FIVE = NAMES[:5]
GOLDEN = "b3144e1b50973e9b375f3cfc19b76957"
"""Of the first 20,000 frames of seed 7 and five symbols. It changes with any change of the flow, and with nothing else."""


def digest(events: Iterable[Event]) -> str:
    state = hashlib.blake2b(digest_size=16)
    for ts_ns, stream, payload in events:
        state.update(b"%d %b %b\n" % (ts_ns, stream.encode(), payload))
    return state.hexdigest()


def test_a_seed_makes_this_very_market() -> None:
    assert digest(islice(synthetic_events(7, FIVE, 60), 20_000)) == GOLDEN


def test_the_same_again_and_another() -> None:
    first = list(synthetic_events(8, FIVE, 2))
    assert first == list(synthetic_events(8, FIVE, 2))
    assert first != list(synthetic_events(9, FIVE, 2))


def test_a_symbol_does_not_depend_on_its_neighbours() -> None:
    many = [event for event in synthetic_events(7, FIVE, 3) if event.stream.startswith("solusdt@")]
    assert many == list(synthetic_events(7, ("SOLUSDT",), 3))


def test_another_beginning_is_the_same_market_at_another_time() -> None:
    later_ns = 3_600_000_000_000
    moved = synthetic_events(7, ("ETHUSDT",), 2, begin_ns=BEGIN_NS + later_ns)
    ids = [(event.ts_ns - later_ns, event.stream) for event in moved]
    assert ids == [(event.ts_ns, event.stream) for event in synthetic_events(7, ("ETHUSDT",), 2)]


def test_time_runs_forward() -> None:
    times = [event.ts_ns for event in synthetic_events(7, FIVE, 3)]
    assert times == sorted(times)
    assert BEGIN_NS <= times[0] < times[-1] < BEGIN_NS + 3_000_000_000


def test_ids_follow_each_other() -> None:
    events = [(event.stream, json.loads(event.payload)) for event in synthetic_events(7, ("ETHUSDT",), 5)]
    trades = [data["t"] for stream, data in events if stream == "ethusdt@trade"]
    assert trades == list(range(trades[0], trades[0] + len(trades)))
    depths = [data for stream, data in events if stream == "ethusdt@depth@100ms"]
    assert len(depths) == 50
    assert all(then["U"] == before["u"] + 1 for before, then in pairwise(depths))


def test_symbols_move_together() -> None:
    """Over a minute, most symbols end on the side that the common factor took them to."""
    market = SyntheticMarket(7, FIVE)
    logs: dict[str, list[float]] = {symbol: [] for symbol in FIVE}
    for second in range(60):
        while market.next_ns < BEGIN_NS + second * 1_000_000_000:
            market.advance()
        for symbol, book in market.books.items():
            logs[symbol].append(book.bids.top()[0] + book.asks.top()[0])
    steps = {symbol: [then / before - 1 for before, then in pairwise(values)] for symbol, values in logs.items()}
    together = sum(one * other for one, other in zip(steps["BTCUSDT"], steps["ETHUSDT"], strict=True))
    alone = [sum(step * step for step in steps[symbol]) ** 0.5 for symbol in ("BTCUSDT", "ETHUSDT")]
    assert together / (alone[0] * alone[1]) > 0.25


def test_what_a_box_knows_before_it_opens() -> None:
    facts = SyntheticMarket(7, FIVE).facts()
    assert facts.symbols == list(FIVE)
    assert facts.first_ns == BEGIN_NS
    assert facts.diff_streams["XRPUSDT"] == "xrpusdt@depth@100ms"
    assert len(facts.streams) == 20
    assert facts.grids["XRPUSDT"].price_decimals == 4
    assert all(snapshot.bids and snapshot.asks for snapshot in facts.snapshots.values())


@pytest.mark.parametrize("venue", ["binance-spot", "binance-usdm"])
def test_a_snapshot_is_the_whole_book(venue: str) -> None:
    market = SyntheticMarket(7, ("ETHUSDT",), venue)
    for _ in range(500):
        market.advance()
    snapshot, book = json.loads(market.snapshot("ETHUSDT")), market.books["ETHUSDT"]
    assert snapshot["lastUpdateId"] == book.update_id
    assert (len(snapshot["bids"]), len(snapshot["asks"])) == (len(book.bids.keys), len(book.asks.keys))
    assert ("E" in snapshot) == (venue == "binance-usdm")


def test_an_unknown_symbol() -> None:
    with pytest.raises(InputError, match="was ABCUSDT"):
        SyntheticMarket(7, ("ABCUSDT",))

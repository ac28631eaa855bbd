"""The plain book: the audit by quotes, what touches it and what does not."""

import pytest
from tests.binance_frames import TS, depth, instrument, machine, snapshot, ticker, trade

from papertape.core.book import Market
from papertape.core.records import as_records


def market_of(*frames: bytes) -> Market:
    one, market = machine(), Market()
    one.list_instrument(instrument(), TS)
    for frame in frames:
        one.take(TS, frame)
    market.apply(one.gate.buffer.take())
    return market


@pytest.mark.parametrize("quote_first", [True, False])
@pytest.mark.parametrize(("bid", "mismatches"), [("10", 0), ("9.99", 1)])
def test_a_quote_is_checked_at_its_update_id_whichever_comes_first(
    *, quote_first: bool, bid: str, mismatches: int
) -> None:
    pair = [ticker(11, bid), depth(11, 11)]
    counts = market_of(snapshot(10), *(pair if quote_first else pair[::-1])).counts()
    assert (counts.book_checks, counts.book_mismatches) == (1, mismatches)


def test_a_snapshot_is_no_depth_event_to_check_against() -> None:
    assert market_of(ticker(10), snapshot(10), ticker(10)).counts().book_checks == 0


def test_an_older_or_repeated_quote_is_not_checked_again() -> None:
    counts = market_of(snapshot(10), depth(11, 11), ticker(11), ticker(11), ticker(9)).counts()
    assert counts.book_checks == 1


def test_a_lost_book_is_empty_and_not_synced_until_the_next_snapshot() -> None:
    market = market_of(snapshot(10), depth(11, 11), depth(20, 21))
    view = market.views()[0]
    assert (view.synced, view.bids, view.asks, view.update_id) == (False, [], [], 0)
    assert market.counts().sequence_breaks == 1
    assert market.books[0].last_synced == ((1000, 1000, 1100, 2000), 11)


def test_removals_of_unknown_levels_and_emptied_sides_are_normal() -> None:
    market = market_of(snapshot(10), depth(11, 11, [["5", "0"], ["10", "0"]], [["11", "0"]]))
    assert market.books[0].top == (0, 0, 0, 0)
    assert market.synced
    assert market.counts().crossed == 0


def test_prices_that_are_not_positive_and_sizes_below_zero_do_not_enter() -> None:
    market = market_of(snapshot(10), depth(11, 11, [["0", "1"], ["-1", "1"], ["9", "-1"]]))
    assert market.views()[0].bids == [(1000, 1000)]


def test_prints_count_without_duplicates_and_an_empty_market_is_not_synced() -> None:
    assert market_of(trade(1), trade(1), trade(2)).counts().prints == 2
    assert not Market().synced


def test_a_repeat_is_no_second_record_of_the_venue() -> None:
    market = market_of(depth(11, 11, [["10", "5"]]), snapshot(10))
    assert market.counts().records == 3
    assert market.views()[0].bids == [(1000, 5000)]
    assert as_records(b"").shape == (0,)

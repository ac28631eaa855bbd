"""The hash of a market: what it knows, and what it must not know."""

from typing import Any

import pytest

from papertape.core.book.state_hash import MASK64, market_hash, scale_word, signed, step
from papertape.core.book.view import BookView
from tests.binance_frames import instrument

VIEW = BookView(instrument(), True, 5, [(1000, 1000)], [(1100, 2000)], (1000, 1000, 1100, 2000), 5, 77)


@pytest.mark.parametrize(
    "changed",
    [
        {"synced": False},
        {"update_id": 6},
        {"bids": [(1000, 1001)]},
        {"asks": []},
        {"quote": (1000, 1000, 1101, 2000)},
        {"quote_id": 6},
        {"running": 78},
        {"instrument": instrument("BTCUSDT")},
    ],
)
def test_every_part_of_a_view_counts(changed: dict[str, object]) -> None:
    assert market_hash([VIEW]) != market_hash([VIEW._replace(**changed)])  # type: ignore[arg-type]


def test_the_scale_and_the_epoch_do_not_count_nor_does_the_order_of_listing() -> None:
    finer = instrument(price_scale=4, size_scale=3, epoch=9)
    levels = {"bids": [(100_000, 1000)], "asks": [(110_000, 2000)], "quote": (100_000, 1000, 110_000, 2000)}
    assert market_hash([VIEW]) == market_hash([VIEW._replace(instrument=finer, **levels)])  # type: ignore[arg-type]
    other = VIEW._replace(instrument=instrument("BTCUSDT"))
    assert market_hash([VIEW, other]) == market_hash([other, VIEW])


def test_a_running_word_is_the_same_signed_and_unsigned() -> None:
    assert signed(MASK64) == -1
    assert market_hash([VIEW._replace(running=MASK64)]) == market_hash([VIEW._replace(running=-1)])


def test_a_step_hears_every_word_and_wraps() -> None:
    words = (1, 2, 3, 4, 5, 6)
    base = step(0, 16, 3, words)
    assert 0 <= base <= MASK64
    one_changed: list[Any] = [(*words[:at], 9, *words[at + 1 :]) for at in range(6)]
    changed = [step(0, 16, 3, other) for other in one_changed]
    assert len({base, step(1, 16, 3, words), step(0, 17, 3, words), step(0, 16, 7, words), *changed}) == 10
    assert step(0, 16, 3 | 16 | 32, words) == base
    assert 5 * scale_word(1) == 50 * scale_word(2)

import numpy as np
import pytest

from papertape.venue.mt5_rates import bars
from papertape.venue.mt5_types import RATE_DTYPE, TIMEFRAME_MN1, TIMEFRAME_W1
from tests.mt5_world import BEGIN_MSC, ticks

BEGIN_S = BEGIN_MSC // 1000


def test_a_bar_of_bids() -> None:
    rows = ticks(0, 1_000, 2_000, 61_000)
    rows["bid"] = [1.5, 1.7, 1.4, 1.6]
    rows["ask"] = rows["bid"] + [0.00003, 0.00001, 0.00002, 0]
    made = bars(rows, 1, 0.00001)
    assert made is not None and made.dtype == RATE_DTYPE
    minute = BEGIN_S - BEGIN_S % 60
    assert made[["time", "open", "high", "low", "close", "tick_volume", "spread"]].tolist() == [
        (minute, 1.5, 1.7, 1.4, 1.4, 3, 1),
        (minute + 60, 1.6, 1.6, 1.6, 1.6, 1, 0),
    ]


@pytest.mark.parametrize(
    ("timeframe", "begins"),
    [
        (1, "2025-09-25T18:54:00"),
        (16385, "2025-09-25T18:00:00"),
        (16388, "2025-09-25T16:00:00"),
        (16408, "2025-09-25T00:00:00"),
        (TIMEFRAME_W1, "2025-09-21T00:00:00"),
        (TIMEFRAME_MN1, "2025-09-01T00:00:00"),
    ],
)
def test_where_bars_begin(timeframe: int, begins: str) -> None:
    made = bars(ticks(0), timeframe, 1e-5)
    assert made is not None
    assert made["time"].tolist() == [int(np.datetime64(begins, "s").astype(np.int64))]


def test_no_ticks_no_bars_and_no_such_timeframe() -> None:
    empty = bars(ticks(), 1, 1e-5)
    assert empty is not None and not len(empty)
    assert bars(ticks(0), 7, 1e-5) is None

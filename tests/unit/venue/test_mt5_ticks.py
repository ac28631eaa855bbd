import numpy as np

from papertape.venue.mt5_ticks import made_ticks, moved
from tests.mt5_world import BEGIN_MSC, ticks


def test_made_ticks_are_a_function_of_seed_and_symbol() -> None:
    one = made_ticks("EURUSD", 7, BEGIN_MSC, 500)
    assert one.tobytes() == made_ticks("EURUSD", 7, BEGIN_MSC, 500).tobytes()
    assert one.tobytes() != made_ticks("EURUSD", 8, BEGIN_MSC, 500).tobytes()
    assert one["bid"].tolist() != made_ticks("GBPUSD", 7, BEGIN_MSC, 500)["bid"].tolist()


def test_made_ticks_are_a_market() -> None:
    rows = made_ticks("USDJPY", 1, BEGIN_MSC, 2_000)
    assert (np.diff(rows["time_msc"]) >= 0).all() and rows["time_msc"][0] >= BEGIN_MSC
    assert (rows["ask"] >= rows["bid"]).all() and (np.abs(rows["bid"] - 155) < 5).all()
    assert np.abs(rows["bid"] * 1000 - np.rint(rows["bid"] * 1000)).max() < 1e-6
    assert (rows["time"] == rows["time_msc"] // 1000).all()


def test_recorded_ticks_are_moved_whole() -> None:
    rows = ticks(0, 0, 500, 2_000)
    later = moved(rows, BEGIN_MSC + 86_400_000)
    assert (later["time_msc"] - rows["time_msc"] == 86_400_000).all()
    assert later["bid"].tolist() == rows["bid"].tolist()
    assert (moved(rows, BEGIN_MSC, 10)["time_msc"] - BEGIN_MSC).tolist() == [0, 0, 50, 200]
    assert not len(moved(ticks(), BEGIN_MSC))

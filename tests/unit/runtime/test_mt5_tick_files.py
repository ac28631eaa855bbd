from pathlib import Path

import numpy as np
import pytest

from papertape.core.errors import InputError
from papertape.runtime.mt5_tick_files import load_ticks
from tests.mt5_world import ticks

ROWS = ticks(0, 5, 5)


def test_numpy_ticks_come_back(tmp_path: Path) -> None:
    np.save(tmp_path / "t.npy", ROWS)
    assert load_ticks(tmp_path / "t.npy").tobytes() == ROWS.tobytes()


def test_parquet_ticks_come_back(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    names = [name for name in ROWS.dtype.names or () if name != "time"]
    parquet.write_table(pyarrow.table({name: ROWS[name] for name in names}), tmp_path / "t.parquet")
    assert load_ticks(tmp_path / "t.parquet").tobytes() == ROWS.tobytes()


def test_other_files_are_told(tmp_path: Path) -> None:
    (tmp_path / "text.npy").write_text("no array")
    np.save(tmp_path / "numbers.npy", np.arange(3))
    np.save(tmp_path / "backward.npy", ROWS[::-1])
    np.save(tmp_path / "empty.npy", ROWS[:0])
    for name in ("text", "numbers", "backward", "empty", "absent"):
        with pytest.raises(InputError, match=name):
            load_ticks(tmp_path / f"{name}.npy")

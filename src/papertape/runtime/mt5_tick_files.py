"""Files of recorded MetaTrader 5 ticks: a numpy array, or a Parquet table where pyarrow is installed."""

from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from papertape.core.errors import InputError
from papertape.data.wire.mt5.ticks import TICK_DTYPE, Rows


def load_ticks(file: Path) -> Rows:
    """The ticks of a `.npy` or `.parquet` file with the terminal's own columns. Raises InputError when it holds none."""
    try:
        columns = _parquet(file) if file.suffix == ".parquet" else np.load(file, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{file}: expected ticks as .npy or .parquet, cannot be read: {error}") from error
    rows: Rows
    try:
        rows = np.zeros(len(columns["time_msc"]), TICK_DTYPE)
        for name in TICK_DTYPE.names or ():
            if name != "time":
                rows[name] = columns[name]
    except (KeyError, IndexError, ValueError, TypeError) as error:
        expected = ", ".join(TICK_DTYPE.names or ())
        raise InputError(f"{file}: expected ticks with the columns {expected}: {error}") from error
    rows["time"] = rows["time_msc"] // 1000
    if not len(rows) or bool((np.diff(rows["time_msc"]) < 0).any()):
        raise InputError(f"{file}: expected ticks in the order of their time_msc, at least one")
    return rows


def _parquet(file: Path) -> dict[str, Any]:
    try:
        parquet = import_module("pyarrow.parquet")
    except ImportError as error:
        raise InputError(f"{file}: reading Parquet needs pyarrow; install it, or give a .npy file") from error
    table = parquet.read_table(file, columns=[name for name in TICK_DTYPE.names or () if name != "time"])
    return {name: table[name].to_numpy() for name in table.column_names}

"""The handler's refusals; a running box stands in tests/integration/test_record_replay.py."""

from pathlib import Path

import pytest

from papertape.core.actions import Venue
from papertape.core.errors import InputError
from papertape.runtime.shell import Shell
from papertape.runtime.venue import run


def test_a_reel_without_the_symbol_names_it(tmp_path: Path) -> None:
    reel = tmp_path / "a.reel"
    reel.write_text('1700000000000000 {"stream":"abcusdt@trade","data":{"t":1,"p":"1","q":"1","T":1,"m":true}}\n')
    with pytest.raises(InputError, match="XYZUSDT"):
        run(Venue(reel=[str(reel)], venue="binance-spot", symbol="xyzusdt", port=0), Shell())


def test_a_reel_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.gz"):
        run(Venue(reel=[str(tmp_path / "none.gz")], venue="binance-spot", symbol="A", port=0), Shell())

"""What `serve` asks before it keeps anything; following a tape is run in tests/integration/test_paper.py."""

from pathlib import Path

import pytest

from papertape.core.errors import InputError
from papertape.core.trading_actions import Serve
from papertape.runtime.serve import run
from papertape.runtime.shell import Shell
from papertape.tape.market_writer import MarketWriter
from tests.small_market import events, small_market


def test_a_strategy_that_cannot_be_made_leaves_no_run(tmp_path: Path) -> None:
    with MarketWriter.open(tmp_path / "tape") as writer:
        for _, records in events(small_market(50), 50):
            writer.append(records.tobytes())
    with pytest.raises(InputError, match="nowhere"):
        run(Serve(tape=str(tmp_path / "tape"), strategy=["nowhere:Nobody"]), Shell())
    assert not (tmp_path / "tape" / "runs").exists()

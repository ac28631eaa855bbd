from pathlib import Path

import pytest

from papertape.core.actions import Verify, VerifyResult
from papertape.core.errors import InputError
from papertape.core.records import WHOLE, Kind, RecordBuffer
from papertape.runtime.shell import Shell
from papertape.runtime.verify import run
from papertape.tape.market_writer import MarketWriter


def verified(tape: Path) -> tuple[VerifyResult, int, str | None]:
    outcome = run(Verify(tape=str(tape)), Shell())
    assert isinstance(outcome.response, VerifyResult)
    return outcome.response, outcome.exit_code, outcome.error


def make_tape(tape: Path) -> None:
    with MarketWriter.open(tape) as writer:
        for second in range(10):
            buffer = RecordBuffer()
            buffer.pack(0, second * 1_000_000, Kind.CLOCK, WHOLE, 0, 0, 0, 0, 0, 0, 0)
            writer.append(buffer.take())


def test_a_whole_tape(tmp_path: Path) -> None:
    make_tape(tmp_path)
    result, code, error = verified(tmp_path)
    assert (result.ok, result.records, result.first_seq, result.last_seq, result.sealed) == (True, 10, 0, 9, True)
    assert (code, error) == (0, None)


def test_damage_is_a_failed_check_that_names_the_place(tmp_path: Path) -> None:
    make_tape(tmp_path)
    segment = max((tmp_path / "market").iterdir(), key=lambda path: path.stat().st_size)
    data = bytearray(segment.read_bytes())
    data[-200] ^= 1
    segment.write_bytes(data)
    result, code, error = verified(tmp_path)
    assert (result.ok, code) == (False, 1)
    assert error is not None
    assert segment.name in error
    assert str(result.findings[0].offset) in error


def test_an_empty_tape_and_no_tape(tmp_path: Path) -> None:
    with MarketWriter.open(tmp_path / "empty"):
        pass
    result, code, _ = verified(tmp_path / "empty")
    assert (result.ok, result.records, result.first_seq, code) == (True, 0, None, 0)
    with pytest.raises(InputError, match="none"):
        run(Verify(tape=str(tmp_path / "none")), Shell())

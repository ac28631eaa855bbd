import pytest

from papertape.tape.control import RunWriter
from papertape.tape.verify_run import verify_run


@pytest.fixture
def path(tape):
    """The only file of a run whose records have the cursors 0, 1, 2 and 3."""
    with RunWriter.create(tape, "config", lambda: None) as run:
        for seq in range(1, 4):
            run.append(seq, "command", "body")
    return tape / "runs/0001/000001.log"


def found(tape, market_next_seq=100):
    return [(finding.code, finding.seq) for finding in verify_run(tape, "0001", market_next_seq)]


def test_a_sound_run(tape, path):
    assert found(tape) == []


def test_a_torn_tail(tape, path):
    path.write_bytes(path.read_bytes()[:-3])
    assert found(tape) == [("torn_tail", 3)]


def test_damage_is_named(tape, path):
    data = bytearray(path.read_bytes())
    data[64 + 4] ^= 1
    path.write_bytes(data)
    findings = verify_run(tape, "0001", 100)
    assert [(finding.code, finding.segment, finding.offset, finding.seq) for finding in findings] == [
        ("record_crc", "runs/0001/000001.log", 64, 0)
    ]


def test_cursors_behind_the_market(tape, path):
    assert found(tape, 2) == [("cursor_missing", 3)]

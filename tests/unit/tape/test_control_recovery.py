import pytest

from papertape.core.errors import TapeCorrupt
from papertape.tape.control import RunReader, RunWriter
from papertape.tape.control_recovery import list_sessions, recover_run_files, scan_session


@pytest.fixture
def run(tape):
    """The directory of a run with two sessions: four records at the cursors 0 to 3, and four at 10 to 13."""
    with RunWriter.create(tape, "config", lambda: None) as first:
        for seq in range(1, 4):
            first.append(seq, "command", seq)
    with RunWriter.resume(tape, "0001", lambda: None, 100) as second:
        for seq in range(10, 14):
            second.append(seq, "command", seq)
    return tape / "runs/0001"


def count(run):
    return len(list(RunReader(run)))


def test_a_sound_run_is_left_as_it_is(run):
    end = recover_run_files(run, 100)
    assert end == (2, 8, 13, None)
    assert count(run) == 8


def test_a_torn_tail_is_cut_and_kept(run):
    path = list_sessions(run)[-1]
    whole = path.read_bytes()
    path.write_bytes(whole + b"\x10\0\0\0half")
    end = recover_run_files(run, 100)
    assert (end.next_index, end.report.bytes_kept, end.report.records_cut) == (8, 8, 0)
    assert (end.report.session, end.report.offset) == ("000002.log", len(whole))
    assert (run / end.report.kept_in).read_bytes() == b"\x10\0\0\0half"
    assert path.read_bytes() == whole


def test_records_that_name_a_missing_market_position_are_cut(run):
    path = list_sessions(run)[-1]
    whole = path.read_bytes()
    end = recover_run_files(run, 11)
    assert (end.session, end.next_index, end.cursor_seq) == (2, 6, 11)
    assert end.report.records_cut == 2
    assert "2 records that name a missing market position" in end.report.detail
    assert path.read_bytes() + (run / end.report.kept_in).read_bytes() == whole
    assert count(run) == 6


def test_a_session_of_which_nothing_stands(run):
    end = recover_run_files(run, 5)
    assert (end.session, end.next_index, end.cursor_seq) == (2, 4, 3)
    assert count(run) == 4


def test_an_earlier_session_is_never_cut(run):
    before = [path.read_bytes() for path in list_sessions(run)]
    with pytest.raises(TapeCorrupt, match="market position 3, which is missing"):
        recover_run_files(run, 2)
    assert [path.read_bytes() for path in list_sessions(run)] == before


def test_a_session_without_its_header_is_set_aside(run):
    path = list_sessions(run)[-1]
    path.write_bytes(b"PTAPERUN")
    end = recover_run_files(run, 100)
    assert (end.session, end.next_index, end.report.bytes_kept) == (1, 4, 8)
    assert list_sessions(run) == [run / "000001.log"]


@pytest.mark.parametrize("session", [0, 1])
def test_damage_before_whole_records_is_refused(run, session):
    path = list_sessions(run)[session]
    data = bytearray(path.read_bytes())
    data[64 + 18] ^= 1
    path.write_bytes(data)
    with pytest.raises(TapeCorrupt, match="record_crc"):
        recover_run_files(run, 100)
    assert path.read_bytes() == data


def test_a_missing_session_is_missed(run):
    list_sessions(run)[0].unlink()
    scan = scan_session(run / "000002.log", 0, is_last=True)
    assert scan.damage.code == "index_discontinuity"
    with pytest.raises(TapeCorrupt, match="index_discontinuity"):
        recover_run_files(run, 100)

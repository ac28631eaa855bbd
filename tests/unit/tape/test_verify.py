import msgspec
import pytest

from papertape.core.errors import InputError, StoreError
from papertape.tape.control import RunWriter
from papertape.tape.market_writer import MarketWriter
from papertape.tape.sealed import NAME
from papertape.tape.segment import list_segments
from papertape.tape.verify import VerifyReport, verify_tape


@pytest.fixture
def written(tape, events):
    """A sealed tape of four segments with 40 records each, in blocks of 10."""
    with MarketWriter.open(tape, segment_bytes=512 + 44 * 64 + 64) as writer:
        for seq in range(0, 160, 10):
            writer.append(events(seq, 10))
    return tape


def found(tape):
    return [(finding.code, finding.segment, finding.offset, finding.seq) for finding in verify_tape(tape).findings]


def name_of(seq):
    return f"{seq:020d}.seg"


def test_a_sound_tape(written):
    report = verify_tape(written)
    assert report == VerifyReport(
        ok=True,
        segments=4,
        blocks=16,
        records=160,
        first_seq=0,
        last_seq=159,
        sealed=True,
        uncommitted_bytes=0,
        runs=0,
        findings=[],
    )
    assert msgspec.json.decode(msgspec.json.encode(report), type=VerifyReport) == report


def test_an_empty_tape(tape):
    MarketWriter.open(tape).close()
    report = verify_tape(tape)
    assert report.ok
    assert (report.segments, report.records, report.last_seq) == (0, 0, -1)


def test_a_tape_in_use(tape, events):
    with MarketWriter.open(tape) as writer:
        writer.append(events(0, 10))
        report = verify_tape(tape)
        assert report.ok
        assert not report.sealed
        assert report.records == 10


@pytest.mark.parametrize("seq", [40, 120])
def test_a_missing_segment(written, seq):
    (written / "market" / name_of(seq)).unlink()
    codes = found(written)
    assert ("missing_segment", name_of(seq), 0, seq) in codes
    assert (("seq_discontinuity", name_of(80), 0, 80) in codes) == (seq == 40)


def test_a_missing_first_segment_leaves_no_word_about_instruments(written):
    (written / "market" / name_of(0)).unlink()
    assert found(written) == [("missing_segment", name_of(0), 0, 0)]


def test_the_first_segment_may_have_been_removed_with_its_line(written):
    (written / "market" / name_of(0)).unlink()
    path = written / "market" / NAME
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[1:]))
    assert found(written) == []


def test_a_list_that_cannot_be_read(written):
    path = written / "market" / NAME
    path.write_bytes(path.read_bytes()[:-5])
    assert found(written) == [("sealed_list", NAME, 0, -1)]


def test_a_segment_that_is_not_listed(written):
    path = written / "market" / NAME
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:1] + lines[2:]))
    assert found(written) == [("sealed_list", name_of(40), 512 + 44 * 64, 80)]


def test_many_findings_in_one_pass(written):
    for seq in (0, 80):
        path = written / "market" / name_of(seq)
        data = bytearray(path.read_bytes())
        for block in (1, 3):
            data[512 + block * 11 * 64 + 64 + 24] ^= 1
        path.write_bytes(data)
    places = [512 + 11 * 64, 512 + 33 * 64]
    assert found(written) == [
        ("record_crc", name_of(seq), offset, seq + 10 * block)
        for seq in (0, 80)
        for offset, block in zip(places, (1, 3), strict=True)
    ]


def test_runs_are_verified_too(written):
    with RunWriter.create(written, {}, lambda: None) as run:
        run.append(1_000, "command", None)
    report = verify_tape(written)
    assert report.runs == 1
    assert [(finding.code, finding.segment, finding.seq) for finding in report.findings] == [
        ("cursor_missing", "runs/0001/000001.log", 1)
    ]


def test_what_is_no_tape(tmp_path):
    with pytest.raises(InputError, match="expected a tape directory"):
        verify_tape(tmp_path)
    with pytest.raises(InputError):
        verify_tape(tmp_path / "none")


def test_a_segment_that_cannot_be_read(written):
    path = list_segments(written / "market")[0][1]
    path.unlink()
    path.mkdir()
    with pytest.raises(StoreError, match=path.name):
        verify_tape(written)

import shutil

import numpy as np
import pytest

from papertape.core.errors import InputError, TapeCorrupt, TapeLocked
from papertape.tape.layout import LAYOUT_VERSION, pack_segment_header
from papertape.tape.market_reader import MarketReader
from papertape.tape.market_writer import MarketWriter
from papertape.tape.recovery import RecoveryReport, recover
from papertape.tape.sealed import NAME, read_sealed, replace_sealed
from papertape.tape.segment import list_segments
from papertape.tape.verify import verify_tape

BLOCK_BYTES = 11 * 64


@pytest.fixture
def killed(tape, tmp_path, events):
    """A tape as a killed writer leaves it: a sealed segment (0 to 19) and one that is not (20 to 69, five blocks)."""
    live = tmp_path / "live"
    with MarketWriter.open(live) as writer:
        writer.append(events(0, 20))
    with MarketWriter.open(live) as writer:
        for seq in range(20, 70, 10):
            writer.append(events(seq, 10))
            writer.sync()
        shutil.copytree(live, tape)
    return tape


def last_path(tape):
    return list_segments(tape / "market")[-1][1]


def patch(path, offset, raw):
    with path.open("r+b") as stream:
        stream.seek(offset)
        stream.write(raw)


def contents(tape):
    return {path: path.read_bytes() for path in (tape / "market").rglob("*") if path.name != "lock" and path.is_file()}


def stored(tape):
    return np.concatenate([batch.records for batch in MarketReader.open(tape).blocks()])


def test_a_clean_end_is_sealed(killed, events):
    name = last_path(killed).name
    report = recover(killed)
    assert report == RecoveryReport(
        name, 512 + 5 * BLOCK_BYTES, 69, 0, None, "the segment ended with a whole block; it is sealed now"
    )
    assert verify_tape(killed).ok
    assert verify_tape(killed).sealed
    assert np.array_equal(stored(killed), events(0, 70))
    assert recover(killed) is None


def test_a_torn_tail_is_cut_and_kept(killed, events):
    path, end = last_path(killed), 512 + 5 * BLOCK_BYTES
    patch(path, end + 64, b"torn bytes")
    report = recover(killed)
    assert (report.offset, report.last_seq, report.bytes_kept) == (end, 69, 128)
    assert (killed / "market" / report.kept_in).read_bytes() == bytes(64) + b"torn bytes".ljust(64, b"\0")
    assert "a torn tail was cut off" in report.detail
    assert verify_tape(killed).ok
    assert np.array_equal(stored(killed), events(0, 70))


def test_a_damaged_last_block_is_cut_and_kept(killed, events):
    path, end = last_path(killed), 512 + 4 * BLOCK_BYTES
    lost = path.read_bytes()[end : end + BLOCK_BYTES]
    patch(path, end + 100, b"\xff")
    report = recover(killed)
    assert (report.offset, report.last_seq, report.bytes_kept) == (end, 59, BLOCK_BYTES)
    kept = (killed / "market" / report.kept_in).read_bytes()
    assert kept == lost[:100] + b"\xff" + lost[101:]
    assert np.array_equal(stored(killed), events(0, 60))


@pytest.mark.parametrize("offset", [100, 512, 600, 512 + BLOCK_BYTES + 8, 512 + 3 * BLOCK_BYTES + 99])
def test_damage_before_durable_blocks_is_refused(killed, offset):
    path = last_path(killed)
    patch(path, offset, b"\xff")
    before = contents(killed)
    with pytest.raises(TapeCorrupt, match="no torn tail, nothing was changed") as caught:
        recover(killed)
    assert path.name in str(caught.value)
    assert caught.value.offset <= offset
    assert contents(killed) == before
    with pytest.raises(TapeCorrupt):
        MarketWriter.open(killed)


def test_a_power_cut_may_lose_a_block_before_one_that_it_kept(tape, tmp_path, events):
    live = tmp_path / "live"
    with MarketWriter.open(live, sync_delay_s=3600) as writer:
        writer.append(events(0, 10))
        writer.sync()
        writer.append(events(10, 10))
        writer.append(events(20, 10))
        shutil.copytree(live, tape)
    patch(last_path(tape), 512 + BLOCK_BYTES, bytes(64))
    report = recover(tape)
    assert (report.last_seq, report.bytes_kept) == (9, 2 * BLOCK_BYTES)
    assert np.array_equal(stored(tape), events(0, 10))


@pytest.mark.parametrize("offset", [3, 520, 700, -30])
def test_damage_in_a_sealed_segment_is_refused(killed, offset):
    recover(killed)
    path = last_path(killed)
    patch(path, offset % path.stat().st_size, b"\xff\xfe")
    before = contents(killed)
    with pytest.raises(TapeCorrupt):
        recover(killed)
    assert contents(killed) == before


@pytest.mark.parametrize("cut", [1, 64, 65, 64 + BLOCK_BYTES, 4000])
def test_a_sealed_segment_that_was_cut_short_is_refused(killed, cut):
    recover(killed)
    path = last_path(killed)
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(TapeCorrupt):
        recover(killed)


def test_a_missing_last_segment_is_refused(killed):
    recover(killed)
    last_path(killed).unlink()
    with pytest.raises(TapeCorrupt, match="missing"):
        recover(killed)


@pytest.mark.parametrize("raw", [b"", bytes(4096), b"PTAPEMKT", pack_segment_header(70, bytes(16)) + bytes(100)])
def test_a_segment_without_a_block_is_set_aside(killed, events, raw):
    recover(killed)
    for number in range(2):
        path = killed / "market" / f"{70:020d}.seg"
        path.write_bytes(raw)
        report = recover(killed)
        assert (report.segment, report.last_seq, report.bytes_kept) == (path.name, 69, len(raw.rstrip(b"\0")))
        assert (killed / "market" / report.kept_in).read_bytes() == raw.rstrip(b"\0")
        assert report.kept_in == f"torn/{path.name}.0" + (".2" if number else "")
        assert not path.exists()
    with MarketWriter.open(killed) as writer:
        writer.append(events(70, 5))
    assert verify_tape(killed).ok


def test_a_segment_of_a_newer_layout_is_left_alone(killed, monkeypatch):
    recover(killed)
    monkeypatch.setattr("papertape.tape.layout.LAYOUT_VERSION", LAYOUT_VERSION + 1)
    newer = pack_segment_header(70, bytes(16))
    monkeypatch.undo()
    path = killed / "market" / f"{70:020d}.seg"
    path.write_bytes(newer)
    with pytest.raises(TapeCorrupt, match="layout 2"):
        recover(killed)
    assert path.read_bytes() == newer


def test_a_segment_under_another_name_is_refused(killed):
    path = last_path(killed)
    path.rename(path.with_name(f"{21:020d}.seg"))
    with pytest.raises(TapeCorrupt, match="holds the segment of seq 20"):
        recover(killed)


def test_a_seal_that_was_not_listed_yet_is_listed(killed):
    recover(killed)
    lines, _ = read_sealed(killed / "market")
    replace_sealed(killed / "market", lines[:-1])
    assert recover(killed) is None
    assert read_sealed(killed / "market") == (lines, b"")


def test_a_half_line_of_the_list_is_kept_aside(killed):
    recover(killed)
    lines, _ = read_sealed(killed / "market")
    with (killed / "market" / NAME).open("ab") as stream:
        stream.write(b'{"first_se')
    assert not verify_tape(killed).ok
    recover(killed)
    assert read_sealed(killed / "market") == (lines, b"")
    assert (killed / "market/torn/sealed.jsonl").read_bytes() == b'{"first_se'
    assert verify_tape(killed).ok


def test_a_tape_with_a_writer_is_left_alone(tape, events):
    with MarketWriter.open(tape) as writer:
        writer.append(events(0, 1))
        with pytest.raises(TapeLocked):
            recover(tape)


def test_no_tape(tmp_path):
    with pytest.raises(InputError, match="expected a tape directory"):
        recover(tmp_path / "none")


def test_the_writer_tells_what_it_recovered(killed, events):
    with MarketWriter.open(killed) as writer:
        assert writer.recovery.last_seq == 69
        assert writer.append(events(70, 3)) == 70
    assert np.array_equal(stored(killed), events(0, 73))

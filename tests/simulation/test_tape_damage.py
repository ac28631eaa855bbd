"""Tapes are damaged at random places: no altered record is read, verify names the place, recovery loses no whole block."""

import random
import shutil
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from papertape.core.errors import TapeCorrupt
from papertape.core.records import RECORD_DTYPE, Flag, Kind
from papertape.tape.layout import SEGMENT_HEADER_BYTES, SegmentHeader, parse_segment_header
from papertape.tape.market_reader import MarketReader
from papertape.tape.market_writer import MarketWriter
from papertape.tape.recovery import recover
from papertape.tape.segment import block_end, iterate_blocks, list_segments, scan_segment
from papertape.tape.verify import verify_tape

CASES = 120
"""Of each kind of damage."""


class Extent(NamedTuple):
    """A header, block or seal: its place in the file, and the records it holds."""

    start: int
    end: int
    first_seq: int
    next_seq: int


class Sound(NamedTuple):
    """The tape before it is damaged; the last segment is not sealed, as a killed writer leaves it."""

    directory: Path
    records: np.ndarray
    extents: dict[str, list[Extent]]
    unsealed: str


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    directory = tmp_path_factory.mktemp("sound") / "live"
    dice = random.Random(7)
    appended = []
    seq = 0
    with MarketWriter.open(directory, segment_bytes=16 << 10) as writer:
        while len(list_segments(directory / "market")) < 4 or seq % 5:
            records = np.zeros(dice.choice((1, 4, 30)), RECORD_DTYPE)
            at = np.arange(seq, seq + len(records))
            records["kind"] = np.where(at == 0, Kind.INSTRUMENT, Kind.QUOTE)
            records["flags"] = Flag.FIRST | Flag.LAST
            records["ts_recv_ns"] = at * 1000
            records["price"] = at * 7919 + 1
            records["id"] = at
            writer.append(records)
            if dice.random() < 0.5:
                writer.sync()
            appended.append(records)
            seq += len(records)
        for count in (30, 1, 30, 4, 4):
            records = np.repeat(records[-1:], count)
            records["id"] = np.arange(seq, seq + count)
            writer.append(records)
            writer.sync()
            appended.append(records)
            seq += count
        copy = directory.parent / "sound"
        shutil.copytree(directory, copy)
    segments = list_segments(copy / "market")
    extents = {path.name: _extents(path) for _, path in segments}
    assert verify_tape(copy).ok
    assert not verify_tape(copy).sealed
    return Sound(copy, np.concatenate(appended), extents, segments[-1][1].name)


def _extents(path):
    data = path.read_bytes()
    header = parse_segment_header(data)
    assert isinstance(header, SegmentHeader)
    scan = scan_segment(data, header)
    found = [Extent(0, SEGMENT_HEADER_BYTES, -1, -1)]
    for offset, block in iterate_blocks(data, scan.end):
        found.append(Extent(offset, block_end(offset, block), block.first_seq, block.first_seq + block.records))
    if scan.seal:
        found.append(Extent(scan.end, scan.end + 64, scan.next_seq, scan.next_seq))
    return found


def flip_bit(dice, data, extents):
    at = dice.randrange(extents[-1].end)
    data[at] ^= 1 << dice.randrange(8)


def fill_zeros(dice, data, extents):
    at = dice.randrange(extents[-1].end)
    length = dice.choice((1, 8, 64, 512, 4096))
    data[at : at + length] = bytes(len(data[at : at + length]))


def fill_garbage(dice, data, extents):
    at = dice.randrange(extents[-1].end)
    length = dice.choice((1, 8, 64, 512))
    data[at : at + length] = dice.randbytes(len(data[at : at + length]))


def truncate(dice, data, extents):
    del data[dice.randrange(extents[-1].end) :]


def swap_blocks(dice, data, extents):
    one, other = sorted(dice.sample(extents[1:], 2))
    parts = data[: one.start], data[other.start : other.end], data[one.end : other.start], data[one.start : one.end]
    data[:] = b"".join(parts) + data[other.end :]


def remove_block(dice, data, extents):
    one = dice.choice(extents[1:-1])
    del data[one.start : one.end]


def repeat_block(dice, data, extents):
    one = dice.choice(extents[1:-1])
    data[one.end : one.end] = data[one.start : one.end]


def append_garbage(dice, data, extents):
    data[extents[-1].end :] = dice.randbytes(dice.choice((1, 63, 64, 200)))


KINDS = [flip_bit, fill_zeros, fill_garbage, truncate, swap_blocks, remove_block, repeat_block, append_garbage]


def first_difference(before, after):
    """Offset of the first byte that differs, files being followed by endless zeros; None when none does."""
    length = max(len(before), len(after))
    one = np.frombuffer(before.ljust(length, b"\0"), np.uint8)
    other = np.frombuffer(after.ljust(length, b"\0"), np.uint8)
    different = np.flatnonzero(one != other)
    return int(different[0]) if len(different) else None


def snapshot(directory):
    return {path.relative_to(directory): path.read_bytes() for path in directory.rglob("*.[sj]*") if path.is_file()}


@pytest.mark.parametrize("damage", KINDS, ids=lambda kind: kind.__name__)
def test_damage(sound, damage, tmp_path):
    for number in range(CASES):
        dice = random.Random(f"{damage.__name__} {number}")
        directory = tmp_path / f"case{number}"
        shutil.copytree(sound.directory, directory)
        name = dice.choice(sorted(sound.extents))
        path = directory / "market" / name
        before = path.read_bytes()
        after = bytearray(before)
        damage(dice, after, sound.extents[name])
        path.write_bytes(after)
        at = first_difference(before, bytes(after))
        if at is None and len(after) == len(before):
            continue
        place = f"{damage.__name__} {number}, {name} at {at}"
        check_damaged(sound, directory, name, len(before) if at is None else at, place, bytes(after))
        shutil.rmtree(directory)


def check_damaged(sound, directory, name, at, place, data):
    extents = sound.extents[name]
    hit = next((extent for extent in extents if at < extent.end), extents[-1])
    whole_seq = hit.first_seq if hit.start else extents[1].first_seq
    is_loss_at_the_end = name == sound.unsealed and not any(data[hit.start :])

    delivered, error = read(directory)
    assert np.array_equal(delivered, sound.records[: len(delivered)]), place
    assert len(delivered) == (whole_seq if at < extents[-1].end else hit.next_seq), place
    assert error is None or (error.seq == len(delivered) and name in str(error)), (place, error)
    assert error is not None or name == sound.unsealed, place

    report = verify_tape(directory)
    if not is_loss_at_the_end:
        first = next((finding for finding in report.findings if finding.segment == name), None)
        assert first is not None, place
        assert hit.start <= first.offset <= max(hit.end, at), (place, first)

    untouched = snapshot(directory)
    try:
        recover(directory)
    except TapeCorrupt:
        assert snapshot(directory) == untouched
        return
    if name == sound.unsealed:
        recovered, error = read(directory)
        assert error is None
        assert len(recovered) == len(delivered), place
        assert verify_tape(directory).ok, (place, verify_tape(directory))


def read(directory):
    """All records that the reader gives out, and the error that ended it."""
    found = [np.empty(0, RECORD_DTYPE)]
    try:
        found += (batch.records for batch in MarketReader.open(directory).blocks())
    except TapeCorrupt as error:
        return np.concatenate(found), error
    return np.concatenate(found), None

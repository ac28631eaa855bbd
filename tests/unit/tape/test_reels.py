"""Reels: every kind of file, and every way in which one can be wrong."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from papertape.core.errors import InputError, StoreError
from papertape.tape.reels import LINK_DOWN, ReelWriter, read_reel, trades_until

PACKERS: dict[str, Callable[[bytes], bytes]] = {"": bytes, ".gz": gzip.compress, ".zst": zstandard.compress}
STAMP = 1_723_161_256_123_456_789
LINE = b'%d {"a":1}\n' % STAMP
BODY = b"".join(b'%d {"a":%d}\n' % (STAMP + number * 999, number * number) for number in range(20_000))


def test_stamps_are_floored_to_microseconds_and_told_by_magnitude(tmp_path: Path) -> None:
    file = tmp_path / "reel"
    file.write_bytes(LINE + b"1723161256123456 [1]\n\n" + LINE.strip())
    assert [(one.ts_recv_ns, one.payload, one.line) for one in read_reel([file])] == [
        (1_723_161_256_123_456_000, b'{"a":1}', 1),
        (1_723_161_256_123_456_000, b"[1]", 2),
        (1_723_161_256_123_456_000, b'{"a":1}', 4),
    ]


@pytest.mark.parametrize("ending", ["", ".gz", ".zst"])
def test_files_are_one_stream_in_the_given_order(tmp_path: Path, ending: str) -> None:
    pack = PACKERS[ending]
    files = [tmp_path / f"b{ending}", tmp_path / f"a{ending}"]
    for number, file in enumerate(files):
        # Several compressed parts in one file are what appending gives.
        file.write_bytes(pack(b"%d %d\n" % (STAMP, number)) + pack(b"%d %d\n" % (STAMP, number + 10)))
    assert [one.payload for one in read_reel(files)] == [b"0", b"10", b"1", b"11"]


@pytest.mark.parametrize("ending", [".gz", ".zst"])
@pytest.mark.parametrize("kept", [0.3, 0.5, 0.9, 0.999])
def test_a_cut_file_is_told_after_its_whole_lines(tmp_path: Path, ending: str, kept: float) -> None:
    packed = PACKERS[ending](BODY)
    file = tmp_path / f"cut{ending}"
    file.write_bytes(packed[: int(len(packed) * kept)])
    with pytest.raises(InputError, match=r"cut.*cut off or damaged after line \d+"):
        list(read_reel([file]))


@pytest.mark.parametrize("ending", [".gz", ".zst"])
def test_a_file_that_is_not_compressed_as_its_name_says_is_told(tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"plain{ending}"
    file.write_bytes(BODY)
    with pytest.raises(InputError, match=r"plain.*damaged after line 0"):
        list(read_reel([file]))


@pytest.mark.parametrize("ending", ["", ".gz", ".zst"])
def test_missing_files_and_directories_are_told(tmp_path: Path, ending: str) -> None:
    with pytest.raises(InputError, match="cannot be read: No such file"):
        list(read_reel([tmp_path / f"none{ending}"]))
    (tmp_path / f"folder{ending}").mkdir()
    with pytest.raises(InputError, match="cannot be read"):
        list(read_reel([tmp_path / f"folder{ending}"]))


@pytest.mark.parametrize(
    "line",
    [
        b"{}",
        b"abc {}",
        b"-5 {}",
        b"12 {}",
        b"1723161256 {}",
        b"9" * 19 + b" {}",
        b"9" * 17 + b" {}",
        b"9" * 5_000 + b" {}",
        b"1723161256123456789",
        b"\xff\xfe",
    ],
)
def test_a_line_of_another_form_is_told_by_file_and_number(tmp_path: Path, line: bytes) -> None:
    file = tmp_path / "reel"
    file.write_bytes(LINE + line + b"\n")
    with pytest.raises(InputError, match="reel, line 2: expected"):
        list(read_reel([file]))


def test_an_empty_reel_has_no_frames(tmp_path: Path) -> None:
    for name in ("a", "b.gz", "c.zst"):
        (tmp_path / name).write_bytes(b"")
        assert list(read_reel([tmp_path / name])) == []


def test_what_is_written_is_read_again_and_never_written_over(tmp_path: Path) -> None:
    paths = []
    for number in range(2):
        writer = ReelWriter(tmp_path / "new", "reel")
        writer.write(STAMP + number * 1_000, b'{"n":%d}' % number)
        writer.write(STAMP + number * 1_000, LINK_DOWN)
        writer.close()
        paths.append(writer.path)
    assert [path.name for path in paths] == ["reel.gz", "reel_0002.gz"]
    assert sorted(paths) == paths
    assert [one.payload for one in read_reel(paths)] == [b'{"n":0}', LINK_DOWN, b'{"n":1}', LINK_DOWN]
    assert trades_until(5) == b'{"papertape":{"trades_until":5}}'


def test_a_reel_whose_writer_never_closed_it_is_told(tmp_path: Path) -> None:
    writer = ReelWriter(tmp_path, "reel")
    writer.write(STAMP, b"{}")
    writer.flush()
    frames = read_reel([writer.path])
    assert next(frames).payload == b"{}"
    with pytest.raises(InputError, match="cut off"):
        next(frames)
    writer.close()


def test_a_reel_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError, match="file"):
        ReelWriter(tmp_path / "file", "reel")

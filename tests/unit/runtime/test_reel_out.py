import gzip
from pathlib import Path

import pytest

from papertape.core.errors import StoreError
from papertape.runtime.reel_out import ReelOut
from papertape.tape.reels import read_reel

NOW_NS = 1_700_000_000_000_000_000
DAY_NS = 86_400_000_000_000


def payloads(*files: Path) -> list[bytes]:
    return [frame.payload for frame in read_reel(files)]


def test_a_reel_per_symbol_and_day_with_each_frame_on_one_line(tmp_path: Path) -> None:
    reel = ReelOut(tmp_path)
    reel.write(["ABCUSDT", "XYZUSDT"], NOW_NS, b"both")
    reel.write(["ABCUSDT"], NOW_NS, b"a\nb ")
    reel.write(["ABCUSDT"], NOW_NS + DAY_NS, b"next day")
    reel.close()
    found = {path.name: [line for line in payloads(path) if b"papertape" not in line] for path in tmp_path.iterdir()}
    assert found == {
        "abcusdt_20231114.gz": [b"both", b"a b"],
        "abcusdt_20231115.gz": [b"next day"],
        "xyzusdt_20231114.gz": [b"both"],
    }


def test_a_reel_that_a_killed_recorder_left_is_not_spoiled(tmp_path: Path) -> None:
    (tmp_path / "abcusdt_20231114.gz").write_bytes(gzip.compress(b"1 old\n")[:-4])
    before = set(tmp_path.iterdir())
    reel = ReelOut(tmp_path)
    reel.write(["ABCUSDT"], NOW_NS, b"new")
    reel.close()
    (added,) = set(tmp_path.iterdir()) - before
    assert payloads(added)[-1] == b"new"


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="file"):
        ReelOut(tmp_path / "file").write(["ABCUSDT"], NOW_NS, b"x")

"""Reels: raw capture as text, one line per frame, `<receive time> <frame as received>`.

The receive time is in nanoseconds or microseconds UTC, told by its magnitude. A REST answer
stands inline as the bare JSON body. What the recorder itself knows stands inline as an object
with the key `papertape`: that the connection went down, where a book must start anew, or that
the venue has prints up to an id. Files end in `.gz`, `.zst` or neither; several files in a row
are one stream.
"""

import gzip
import io
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, NamedTuple

import zstandard

from papertape.core.errors import InputError
from papertape.tape.files import store_error

LINE_BYTES_MAX = 16 << 20
_NS_FROM = 100_000_000_000_000_000
"""Smallest stamp read as nanoseconds (1973 in ns; year 5138 in µs)."""
_US_FROM = 100_000_000_000_000


class Frame(NamedTuple):
    """One line of a reel: arrival floored to µs, payload as received, and where it stands."""

    ts_recv_ns: int
    payload: bytes
    file: str
    line: int

    @property
    def place(self) -> str:
        return f"{self.file}, line {self.line}"


def read_reel(files: Sequence[str | Path]) -> Iterator[Frame]:
    """All frames of `files`, in the given order, as one stream.

    Raises InputError, naming file and line, when a file cannot be opened or decompressed, ends
    in the middle, or a line does not have the form of a reel.
    """
    for file in files:
        yield from _read_file(Path(file))


def _read_file(path: Path) -> Iterator[Frame]:
    name = str(path)
    number = 0
    try:
        with _open(path) as stream:
            for raw in iter(lambda: stream.readline(LINE_BYTES_MAX), b""):
                number += 1
                line = raw.strip()
                if line:
                    yield _parse(line, name, number)
    except (EOFError, zlib.error, gzip.BadGzipFile, zstandard.ZstdError) as error:
        raise InputError(f"reel {name} is cut off or damaged after line {number}: {error}") from error
    except OSError as error:
        raise InputError(f"reel {name} cannot be read: {error.strerror or error}") from error


def _open(path: Path) -> IO[bytes]:
    if path.suffix == ".gz":
        return io.BufferedReader(gzip.open(path, "rb"), 1 << 20)  # type: ignore[arg-type]
    if path.suffix == ".zst":
        return io.BufferedReader(zstandard.open(path, "rb"), 1 << 20)
    return path.open("rb", 1 << 20)


def _parse(line: bytes, name: str, number: int) -> Frame:
    stamp, space, payload = line.partition(b" ")
    if not space or not stamp.isdigit():
        raise InputError(f"reel {name}, line {number}: expected '<receive time> <frame>', was {line[:60]!r}")
    value = int(stamp)
    if value >= _NS_FROM:
        return Frame(value - value % 1000, payload, name, number)
    if value >= _US_FROM:
        return Frame(value * 1000, payload, name, number)
    raise InputError(
        f"reel {name}, line {number}: expected a receive time in nanoseconds or microseconds, was {value}"
    )


LINK_DOWN = b'{"papertape":{"link":"down"}}'


def trades_until(trade_id: int) -> bytes:
    """The note that the venue has prints up to `trade_id`."""
    return b'{"papertape":{"trades_until":%d}}' % trade_id


class ReelWriter:
    """Appends frames to one gzip reel; raises StoreError or DiskFull, naming the file, when that cannot be written.

    A reel of a killed process lacks its end; its lines up to the last flush are whole.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._stream = gzip.open(path, "ab", compresslevel=3)
        except OSError as error:
            raise store_error(path, error) from error

    def write(self, ts_recv_ns: int, payload: bytes) -> None:
        """Append one frame; `payload` must not hold a line break."""
        self._do(lambda: self._stream.write(b"%d %b\n" % (ts_recv_ns, payload)))

    def flush(self) -> None:
        self._do(self._stream.flush)

    def close(self) -> None:
        self._do(self._stream.close)

    def _do(self, act: Callable[[], object]) -> None:
        try:
            act()
        except OSError as error:
            raise store_error(self.path, error) from error

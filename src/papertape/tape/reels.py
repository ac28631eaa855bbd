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
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

import zstandard

from papertape.core.errors import InputError
from papertape.core.records import INT64_MAX
from papertape.tape.files import store_error

LINE_BYTES_MAX = 16 << 20
_NS_FROM = 100_000_000_000_000_000
"""Smallest stamp read as nanoseconds (1973 in ns; year 5138 in µs)."""
_US_FROM = 100_000_000_000_000
_STAMP_DIGITS_MAX = 19
_ZSTD_READ_BYTES = 1 << 16


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
        return io.BufferedReader(_GzipStream(path), 1 << 17)
    if path.suffix == ".zst":
        return io.BufferedReader(_ZstdStream(path), 1 << 20)
    return path.open("rb", 1 << 20)


class _GzipStream(io.RawIOBase):
    """What a gzip file holds, chunk by chunk, so that everything before a cut is given out before the error."""

    def __init__(self, path: Path) -> None:
        self._file = gzip.open(path, "rb")

    def readable(self) -> bool:
        return True

    def readinto(self, target: Any) -> int:
        data = self._file.read1(len(target))
        target[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._file.close()
        super().close()


class _ZstdStream(io.RawIOBase):
    """What the frames of a zstd file hold; raises EOFError when the last one does not end, which the library passes over."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self._frame: zstandard.ZstdDecompressionObj | None = None
        self._packed = self._plain = b""

    def readable(self) -> bool:
        return True

    def readinto(self, target: Any) -> int:
        while not self._plain and self._read_more():
            self._decompress()
        count = min(len(target), len(self._plain))
        target[:count] = self._plain[:count]
        self._plain = self._plain[count:]
        return count

    def _read_more(self) -> bool:
        self._packed = self._packed or self._file.read(_ZSTD_READ_BYTES)
        if not self._packed and self._frame is not None:
            raise EOFError("Compressed file ended before the end of a frame")
        return bool(self._packed)

    def _decompress(self) -> None:
        frame = self._frame or zstandard.ZstdDecompressor().decompressobj()
        self._plain = frame.decompress(self._packed)
        self._packed = frame.unused_data if frame.eof else b""
        self._frame = None if frame.eof else frame

    def close(self) -> None:
        self._file.close()
        super().close()


def _parse(line: bytes, name: str, number: int) -> Frame:
    stamp, space, payload = line.partition(b" ")
    if not space or not stamp.isdigit():
        raise InputError(f"reel {name}, line {number}: expected '<receive time> <frame>', was {line[:60]!r}")
    value = int(stamp) if len(stamp) <= _STAMP_DIGITS_MAX else 0
    if _NS_FROM <= value <= INT64_MAX:
        return Frame(value - value % 1000, payload, name, number)
    if _US_FROM <= value <= INT64_MAX // 1000:
        return Frame(value * 1000, payload, name, number)
    raise InputError(
        f"reel {name}, line {number}: expected a receive time in nanoseconds or microseconds, was {stamp[:40].decode()}"
    )


LINK_DOWN = b'{"papertape":{"link":"down"}}'
LINK_NEW = b'{"papertape":{"link":"new"}}'
"""Another recorder goes on here: it knows neither the books nor the trade ids of the one before."""


def trades_until(trade_id: int) -> bytes:
    """The note that the venue has prints up to `trade_id`."""
    return b'{"papertape":{"trades_until":%d}}' % trade_id


def rest_klines(interval: str, body: bytes) -> bytes:
    """Klines of REST, whose own text does not say of which interval they are; `body` is on one line."""
    return b'{"papertape":{"interval":"%b","klines":%b}}' % (interval.encode(), body)


class ReelWriter:
    """Writes one new gzip reel, never over an old one: `name.gz`, else `name_0002.gz` and so on, which sort in that order.

    A reel of a killed process lacks its end; its lines up to the last `flush` can be read.
    """

    def __init__(self, folder: Path, name: str) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self.path, raw = _create(folder, name)
        except OSError as error:
            raise store_error(folder, error) from error
        self._raw = raw
        self._stream = gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=3)

    def write(self, ts_recv_ns: int, payload: bytes) -> None:
        """Append one frame; `payload` must not hold a line break. Raises StoreError or DiskFull."""
        try:
            self._stream.write(b"%d %b\n" % (ts_recv_ns, payload))
        except OSError as error:
            raise store_error(self.path, error) from error

    def flush(self) -> None:
        """Hand everything so far to the system. Raises StoreError or DiskFull."""
        try:
            self._stream.flush()
        except OSError as error:
            raise store_error(self.path, error) from error

    def close(self) -> None:
        """End the reel. Raises StoreError or DiskFull."""
        try:
            self._stream.close()
            self._raw.close()
        except OSError as error:
            raise store_error(self.path, error) from error


def _create(folder: Path, name: str) -> tuple[Path, IO[bytes]]:
    number = 1
    while True:
        path = folder / (f"{name}.gz" if number == 1 else f"{name}_{number:04d}.gz")
        try:
            return path, path.open("xb", 1 << 16)
        except FileExistsError:
            number += 1

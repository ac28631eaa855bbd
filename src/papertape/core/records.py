"""The record of the market track: 64 bytes, one numpy dtype, every field an integer.

An event is one or more records; the first and the last carry the flags FIRST and LAST.
`price` and `size` are mantissas at the instrument epoch's decimal scales. What the five
payload fields mean depends on the kind:

=================  ===========  ===========  =================  ==================  ============
kind               price        size         x                  y                   id
=================  ===========  ===========  =================  ==================  ============
INSTRUMENT (head)  tick         lot          price scale        size scale          epoch
CLOCK_OFFSET       0            0            offset, ns         round trip, ns      0
CONNECTION         0            0            `Link` state       close code          connection
GAP                `GapCause`   0            first missing id   last missing id     `Kind` missed
CLOCK              0            0            0                  0                   0
BROKER_TIME        0            0            offset, ns         0                   0
SOURCE             0            0            instrument now     instrument before   how many so far
QUOTE              bid price    bid size     ask price          ask size            update id
PRINT              price        size         `PrintCause`       0                   trade id
AGG_PRINT          price        size         first trade id     last trade id       aggregate id
DEPTH_DELTA        level price  level size   first update id    previous final id   final id
DEPTH_SNAPSHOT     level price  level size   0                  0                   last update id
DEPTH_PARTIAL      level price  level size   0                  0                   last update id
KLINE              0            0            by `Field`         by `Field`          `Field`
MARK_PRICE         0            0            by `Field`         by `Field`          `Field`
LIQUIDATION        0            0            by `Field`         by `Field`          `Field`
TICKER             0            0            by `Field`         by `Field`          `Field`
MINI_TICKER        0            0            by `Field`         by `Field`          `Field`
=================  ===========  ===========  =================  ==================  ============

An event of the last five kinds holds one value a record; `core/values.py` says what they are. Ids the
venue does not give are -1 (`NO_ID`). The head of an INSTRUMENT event is followed by
records whose payload (bytes 24 to 63) is the instrument as UTF-8 JSON, padded with NUL.
A BROKER_TIME offset is what a broker's wall clock adds to UTC; the update id of a MetaTrader 5
quote keeps the broker's own stamp. `ts_event_ns` is the venue's transaction time in UTC, else
its event time, else 0; `ts_recv_ns` is the arrival, UTC, quantised to 1 µs. Kind ids are never reused.
"""

import struct
from enum import IntEnum, IntFlag

import numpy as np

RECORD_DTYPE = np.dtype(
    [
        ("ts_event_ns", "<i8"),
        ("ts_recv_ns", "<i8"),
        ("kind", "u1"),
        ("flags", "u1"),
        ("instrument", "<u2"),
        ("verdict", "<u4"),
        ("price", "<i8"),
        ("size", "<i8"),
        ("x", "<i8"),
        ("y", "<i8"),
        ("id", "<i8"),
    ]
)
RECORD_STRUCT = struct.Struct("<qqBBHIqqqqq")
RECORD_BYTES = RECORD_STRUCT.size
HEAD_STRUCT, LEVEL_STRUCT, TAIL_STRUCT = struct.Struct("<qqBBHI"), struct.Struct("<qq"), struct.Struct("<qqq")
"""A record in three parts: stamps to verdict, price and size, x to id."""
_RECV, _VERDICT = struct.Struct("<q"), struct.Struct("<I")
_RECV_OFFSET, _FLAGS_OFFSET, _VERDICT_OFFSET = 8, 17, 20
PAYLOAD_OFFSET = 24
PAYLOAD_BYTES = RECORD_BYTES - PAYLOAD_OFFSET
NO_ID = -1
INSTRUMENTS_MAX = 1 << 16
EVENT_RECORDS_MAX = 1 << 16
"""Records of one event: a block of the tape holds no more."""
INT64_MAX = (1 << 63) - 1


class Kind(IntEnum):
    """What a record is. Up to 7: framing of the track; from 8: papertape's own facts; from 16: the venue's data."""

    BLOCK = 1
    SEAL = 2
    INSTRUMENT = 8
    CLOCK_OFFSET = 9
    CONNECTION = 10
    GAP = 11
    CLOCK = 12
    BROKER_TIME = 13
    SOURCE = 14
    """Another source of an instrument counts from here on: the numbers of what it brings now, and before."""
    QUOTE = 16
    PRINT = 17
    AGG_PRINT = 18
    DEPTH_DELTA = 19
    DEPTH_SNAPSHOT = 20
    DEPTH_PARTIAL = 21
    KLINE = 22
    MARK_PRICE = 23
    LIQUIDATION = 24
    TICKER = 25
    MINI_TICKER = 26


FIRST_MARKET_KIND = Kind.QUOTE


class Flag(IntFlag):
    """Bits of `flags`."""

    FIRST = 1
    LAST = 2
    ASK = 4
    """A level of the ask side; on a print: the aggressor sold; on a liquidation: what is liquidated is sold."""
    EMPTY = 8
    """A depth event without a level: only its ids count."""
    HELD = 16
    """Depth that arrived while the book could not take it; books ignore it."""
    REPEAT = 32
    """Depth that stands earlier on the tape as HELD, told again after its snapshot."""
    BACKFILL = 64
    """Fetched afterwards to heal a gap."""
    SAMPLE = 128
    """One of several that happened: the venue tells no more than some of them, so they are never to be summed."""


WHOLE = Flag.FIRST | Flag.LAST


class Verdict(IntFlag):
    """Findings of the quality gate on one record; 0 is clean."""

    NON_POSITIVE = 1
    CROSSED = 2
    OUT_OF_ORDER = 4
    DUPLICATE = 8
    SEQUENCE_GAP = 16
    LOCKED = 32
    DIVERGENT = 64
    """Another source of the same instrument says something that cannot be true together with it."""


class Link(IntEnum):
    """State of a connection."""

    UP = 1
    DOWN = 2


class GapCause(IntEnum):
    """Why data is known to be missing."""

    IDS_MISSING = 1
    CONNECTION_LOST = 2
    UNREADABLE_FRAME = 3
    READER_BEHIND = 4
    """Whoever reads was slower than the market, and its buffer was full."""


class PrintCause(IntEnum):
    """What stood behind a print, where the venue says so (USD-M field X)."""

    NOT_SAID = 0
    MARKET = 1
    INSURANCE_FUND = 2
    OTHER = 3


class RecordBuffer:
    """Records waiting to be written: packed bytes in `data`, in order.

    `pack` appends one record from its eleven fields, in the dtype's order; who is on the hot path adds
    packed records to `data` itself. `take` hands over everything and starts anew.
    """

    __slots__ = ("_taken_recv_ns", "data")

    def __init__(self) -> None:
        self.data = bytearray()
        self._taken_recv_ns = 0

    @property
    def count(self) -> int:
        """How many records there are."""
        return len(self.data) // RECORD_BYTES

    @property
    def last_recv_ns(self) -> int:
        """Arrival of the record that was packed last, taken or not; 0 before the first."""
        if not self.data:
            return self._taken_recv_ns
        recv_ns: int = _RECV.unpack_from(self.data, len(self.data) - RECORD_BYTES + _RECV_OFFSET)[0]
        return recv_ns

    def pack(  # noqa: PLR0913 - the record has eleven fields
        self,
        ts_event_ns: int,
        ts_recv_ns: int,
        kind: int,
        flags: int,
        instrument: int,
        verdict: int,
        price: int,
        size: int,
        x: int,
        y: int,
        id: int,
    ) -> None:
        """Append one record; raises `struct.error` when a field is out of its range."""
        self.data += RECORD_STRUCT.pack(
            ts_event_ns, ts_recv_ns, kind, flags, instrument, verdict, price, size, x, y, id
        )

    def gap(
        self,
        ts_recv_ns: int,
        instrument: int,
        cause: GapCause,
        missed: int,
        first: int = NO_ID,
        last: int = NO_ID,
    ) -> None:
        """Append a GAP: records of the kind `missed`, 0 for whatever kind, with the ids from `first` to `last` did not come."""
        self.pack(0, ts_recv_ns, Kind.GAP, WHOLE, instrument, 0, cause, 0, first, last, missed)

    def extend(self, records: bytes) -> None:
        """Append records that are packed already."""
        self.data += records

    def end_event(self, start: int) -> None:
        """The records from byte `start` on are one event: its first and its last are marked."""
        self.data[start + _FLAGS_OFFSET] |= Flag.FIRST
        self.data[_FLAGS_OFFSET - RECORD_BYTES] |= Flag.LAST

    def set_verdict(self, start: int, verdict: int) -> None:
        """Another verdict for the record at byte `start`."""
        _VERDICT.pack_into(self.data, start + _VERDICT_OFFSET, verdict)

    def take(self) -> bytes:
        """All packed records as bytes; the buffer is empty afterwards."""
        data = bytes(self.data)
        self._taken_recv_ns = self.last_recv_ns
        self.data.clear()
        return data


def as_records(data: bytes | bytearray | memoryview) -> np.ndarray:
    """A view of packed records as an array of `RECORD_DTYPE`."""
    return np.frombuffer(data, dtype=RECORD_DTYPE)


def text_payload(text: str) -> list[tuple[int, int, int, int, int]]:
    """`text` as UTF-8 in payloads of 40 bytes, padded with NUL; each is the five payload fields."""
    raw = text.encode()
    raw += bytes(-len(raw) % PAYLOAD_BYTES)
    return list(struct.iter_unpack("<5q", raw))


def payload_text(records: np.ndarray) -> str:
    """The text that `text_payload` laid into `records`."""
    raw = b"".join(record.tobytes()[PAYLOAD_OFFSET:] for record in records)
    return raw.rstrip(b"\0").decode()

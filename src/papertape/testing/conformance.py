"""What every venue connector must keep: the checks that its wire machine is held against.

    @pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
    def test_my_venue_conforms(check):
        check(Subject(make, symbols, script))

A check raises NotConforming with what was expected and what was; nothing else of the kit has to be known.
"""

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from papertape.core.book import Market
from papertape.core.draws import draw_below, purpose_id
from papertape.core.errors import DecodeError
from papertape.core.instruments import Instrument, check_listing, read_instrument_event
from papertape.core.records import (
    EVENT_RECORDS_MAX,
    FIRST_MARKET_KIND,
    Flag,
    GapCause,
    Kind,
    RecordBuffer,
    Verdict,
    as_records,
)
from papertape.data.quality.gate import Gate
from papertape.data.venue_port import VenueMachine
from papertape.tape.market_reader import MarketReader
from papertape.tape.market_writer import MarketWriter
from papertape.tape.verify import verify_tape

GARBLED_PER_FRAME = 6
FRAMES_GARBLED_MAX = 200
"""Frames of a script that are garbled: the first of it."""
YEAR_NS = 31_556_952_000_000_000
TIMES_NS = (YEAR_NS * 20, YEAR_NS * 200)
"""Event times lie between 1990 and 2170: a venue's unit (s, ms, µs) that is taken for another one lies outside."""
_FUZZ = purpose_id("papertape.testing.conformance")

Records = np.ndarray[Any, np.dtype[Any]]
Frame = tuple[int, bytes]
"""Arrival in ns, and the frame as received."""


class Told(NamedTuple):
    """One print or quote that the script holds, in the venue's own decimal texts: (price, size), or bid and ask of both."""

    symbol: str
    kind: Kind
    id: int
    numbers: tuple[str, ...]


class Script(NamedTuple):
    """What a venue said. `told` is all that a person reads in it of prints and quotes, in order.

    `losable` are places of frames of which the machine can know that they are missing, once later ones came;
    `repeatable` are places of prints that carry an id.
    """

    frames: Sequence[Frame]
    told: Sequence[Told]
    losable: Sequence[int]
    repeatable: Sequence[int]


class Subject(NamedTuple):
    """What is checked: `make` gives a new machine that packs into the gate given; its symbols may be listed already."""

    make: Callable[[Gate], VenueMachine]
    symbols: Sequence[str]
    script: Script


class NotConforming(AssertionError):
    """A machine breaks a rule that every venue's machine must keep."""


class _Stand:
    """A machine at work: what it packed, frame by frame."""

    def __init__(self, subject: Subject) -> None:
        self._gate = Gate(RecordBuffer())
        self.machine = subject.make(self._gate)
        self.batches: list[bytes] = [self._gate.buffer.take()]

    def take(self, frame: Frame) -> bytes:
        """The records of one frame. Raises what the machine raises, with nothing taken out of the buffer."""
        self.machine.take(*frame)
        return self.flush()

    def flush(self) -> bytes:
        data = self._gate.buffer.take()
        self.batches.append(data)
        return data

    @property
    def waiting(self) -> int:
        """Records in the buffer."""
        return self._gate.buffer.count

    @property
    def data(self) -> bytes:
        """All records so far."""
        return b"".join(self.batches)


def _played(subject: Subject, frames: Sequence[Frame] | None = None) -> _Stand:
    stand = _Stand(subject)
    for frame in subject.script.frames if frames is None else frames:
        stand.take(frame)
    return stand


def _expect(holds: bool, expected: str, was: object) -> None:
    if not holds:
        raise NotConforming(f"expected {expected}, was {was}")


def same_input_gives_the_same_records(subject: Subject) -> None:
    """Nothing but the frames and their arrival goes into the records: no clock, no chance, no order of addresses."""
    first, again = _played(subject).data, _played(subject).data
    _expect(len(first) > 0, "records of the script", "none")
    _expect(first == again, "the same records for the same frames", "others")


def events_are_whole(subject: Subject) -> None:
    """The records of a frame are whole events: from FIRST to LAST, of known kinds, and of a size that a block holds."""
    for number, batch in enumerate(_played(subject).batches):
        is_open, size = False, 0
        for record in as_records(batch):
            flags = int(record["flags"])
            _expect(bool(flags & Flag.FIRST) != is_open, f"events one after the other (batch {number})", record)
            _expect(int(record["kind"]) in list(Kind)[2:], "a kind of the market track", record)
            size = 1 if flags & Flag.FIRST else size + 1
            _expect(size <= EVENT_RECORDS_MAX, f"an event of at most {EVENT_RECORDS_MAX} records", size)
            is_open = not flags & Flag.LAST
        _expect(not is_open, f"a closed event at the end of batch {number}", "an open one")


def instruments_come_first(subject: Subject) -> None:
    """Every number is listed before its first data, as an instrument that can be listed, and with its own symbol."""
    listed: dict[int, str] = {}
    for instrument, records in _events(_played(subject).data):
        number = int(records["instrument"][0])
        if instrument is not None:
            reason = check_listing(instrument)
            _expect(reason is None, f"an instrument {instrument.symbol} that can be listed", reason)
            _expect(
                instrument.symbol in subject.symbols, f"one of the symbols {', '.join(subject.symbols)}", instrument
            )
            before = listed.setdefault(number, instrument.symbol)
            _expect(before == instrument.symbol, f"number {number} for {before} alone", instrument.symbol)
        elif records["kind"][0] >= FIRST_MARKET_KIND:
            _expect(number in listed, f"an INSTRUMENT event of number {number} before its data", records[0])
    _expect(set(listed.values()) == set(subject.symbols), "every symbol listed", listed)


def times_are_told(subject: Subject) -> None:
    """Records carry the arrival of their frame, in order; the venue's time is in ns UTC, or 0 where it tells none."""
    stand = _Stand(subject)
    for frame in subject.script.frames:
        for record in as_records(stand.take(frame)):
            _expect(record["ts_recv_ns"] == frame[0], f"arrival {frame[0]} of the frame", record)
            event_ns = int(record["ts_event_ns"])
            plausible = event_ns == 0 or TIMES_NS[0] < event_ns < TIMES_NS[1]
            _expect(plausible, "a time of the venue in ns since 1970 UTC, or 0", record)


def numbers_are_exact(subject: Subject) -> None:
    """Every print and quote of the script is on the tape once, in order, to the last decimal."""
    got: list[Told] = []
    want = [one._replace(numbers=tuple(str(Fraction(text)) for text in one.numbers)) for one in subject.script.told]
    listed: dict[int, Instrument] = {}
    for instrument, records in _events(_played(subject).data):
        if instrument is not None:
            listed[int(records["instrument"][0])] = instrument
        elif records["kind"][0] in (Kind.PRINT, Kind.QUOTE):
            got.append(_told(records[0], listed[int(records["instrument"][0])]))
    for mine, right in zip(got, want, strict=False):
        _expect(mine == right, f"{right}", mine)
    _expect(len(got) == len(want), f"{len(want)} prints and quotes", len(got))


def _told(record: np.void, instrument: Instrument) -> Told:
    names = ("price", "size", "x", "y") if record["kind"] == Kind.QUOTE else ("price", "size")
    scales = (instrument.price_scale, instrument.size_scale) * 2
    numbers = (str(Fraction(int(record[name]), 10**scale)) for name, scale in zip(names, scales, strict=False))
    return Told(instrument.symbol, Kind(int(record["kind"])), int(record["id"]), tuple(numbers))


def a_lost_frame_is_told(subject: Subject) -> None:
    """Whatever frame is lost of which the machine can know, a GAP says so."""
    frames = subject.script.frames
    whole = _gaps(_played(subject).data)
    for place in subject.script.losable:
        gaps = _gaps(_played(subject, [*frames[:place], *frames[place + 1 :]]).data)
        _expect(gaps > whole, f"a GAP where frame {place} is missing: {frames[place][1][:80]!r}", f"{gaps} GAPs")


def a_repeated_print_counts_once(subject: Subject) -> None:
    """A print that comes again carries the verdict DUPLICATE, and no other does."""
    for place in subject.script.repeatable:
        stand = _Stand(subject)
        for number, frame in enumerate(subject.script.frames):
            stand.take(frame)
            if number == place:
                again = as_records(stand.take(frame))
                marked = again[again["kind"] == Kind.PRINT]["verdict"] & Verdict.DUPLICATE
                _expect(bool(marked.all()) and len(marked) > 0, f"DUPLICATE on what frame {place} repeats", again)
    prints = _prints(_played(subject).data)
    _expect(not (prints["verdict"] & Verdict.DUPLICATE).any(), "no DUPLICATE where nothing is repeated", "some")


def a_lost_connection_is_told(subject: Subject) -> None:
    """After `lose` no book is synchronised, a GAP says so where one was, and the script can begin again."""
    stand, market = _played(subject), Market()
    market.apply(stand.data)
    synced = [number for number, book in market.books.items() if book.synced]
    ts_ns = subject.script.frames[-1][0]
    stand.machine.lose(ts_ns, subject.symbols)
    records = as_records(stand.flush())
    market.apply(records.tobytes())
    lost = set(records[(records["kind"] == Kind.GAP) & (records["id"] == Kind.DEPTH_DELTA)]["instrument"].tolist())
    _expect(lost >= set(synced), f"a GAP of depth for the synchronised books {synced}", lost)
    _expect(not any(book.synced for book in market.books.values()), "no synchronised book", "some")
    for ts_recv_ns, payload in subject.script.frames:
        stand.take((ts_recv_ns - subject.script.frames[0][0] + ts_ns, payload))


def garbage_is_a_decode_error(subject: Subject) -> None:
    """A frame that cannot be read raises DecodeError, nothing else, and leaves no trace but an epoch that it opened."""
    stand = _Stand(subject)
    for place, (ts_recv_ns, payload) in enumerate(subject.script.frames[:FRAMES_GARBLED_MAX]):
        if place % 3 == 0:  # machines are garbled in many states, and not too long in each
            for garbled in _garbled(payload, place):
                _feed(stand, (ts_recv_ns, garbled))
        with contextlib.suppress(DecodeError):  # what was garbled may have been taken, and changed what fits
            stand.take((ts_recv_ns, payload))
    clean, spoilt = _Stand(subject), _Stand(subject)
    for frame in subject.script.frames[:FRAMES_GARBLED_MAX]:
        for one in (b"", b"{", b"\xff\xfe", b'{"": ', frame[1][:-1], frame[1] + b"}"):
            _expect(_feed(spoilt, (frame[0], one)), "a DecodeError", f"none, for {one[:80]!r}")
        _expect(clean.take(frame) == spoilt.take(frame), "records as if nothing unreadable had come", "others")


def _feed(stand: _Stand, frame: Frame) -> bool:
    """Take a frame that may be garbage; whether it was refused."""
    before = stand.waiting
    try:
        stand.take(frame)
    except DecodeError:
        kinds = as_records(stand.flush())["kind"][before:]
        _expect(bool((kinds == Kind.INSTRUMENT).all()), "no trace of a frame that cannot be read", kinds.tolist())
        return True
    except Exception as error:
        raise NotConforming(f"expected DecodeError or nothing, was {error!r}, for {frame[1][:120]!r}") from error
    return False


def _garbled(payload: bytes, place: int) -> Iterator[bytes]:
    """A frame with some of its bytes changed, left out or doubled."""
    for n in range(GARBLED_PER_FRAME):
        at = draw_below(len(payload), place, _FUZZ, n, 0)
        kind = draw_below(4, place, _FUZZ, n, 1)
        byte = draw_below(256, place, _FUZZ, n, 2)
        if kind == 0:
            yield payload[:at] + bytes([byte]) + payload[at + 1 :]
        elif kind == 1:
            yield payload[:at] + payload[at + 1 + byte % 9 :]
        elif kind == 2:
            yield payload[:at] + payload[max(at - byte, 0) :]
        else:
            digits = bytes(57 if 48 <= one <= 57 else one for one in payload)
            yield digits.replace(b"9", b"9" * (1 + byte % 40))


def what_cannot_be_read_is_told(subject: Subject) -> None:
    """`note_unreadable` leaves one GAP of the cause UNREADABLE_FRAME, of a listed instrument."""
    stand = _played(subject)
    listed = set(as_records(stand.data)["instrument"].tolist())
    ts_ns = subject.script.frames[-1][0]
    for payload in (b"", b"\xff", subject.script.frames[-1][1][:-1]):
        stand.machine.note_unreadable(ts_ns, payload)
        records = as_records(stand.flush())
        gap = records[0] if len(records) == 1 else None
        right = gap is not None and gap["kind"] == Kind.GAP and gap["price"] == GapCause.UNREADABLE_FRAME
        _expect(right and int(records["instrument"][0]) in listed, "one GAP of an unreadable frame", records)


def a_tape_of_it_verifies_and_replays(subject: Subject) -> None:
    """The records make a tape that verifies, and replaying it gives the market that was live."""
    stand, live = _played(subject), Market()
    with tempfile.TemporaryDirectory(prefix="papertape-conformance-") as folder:
        tape = Path(folder) / "tape"
        with MarketWriter.open(tape) as writer:
            for batch in stand.batches:
                if batch:
                    writer.append(batch)
                    live.apply(batch)
        report = verify_tape(tape)
        _expect(report.ok, "a tape that verifies", report.findings)
        replayed = Market()
        for block in MarketReader.open(tape).blocks():
            replayed.apply(block.records.tobytes())
    _expect(replayed.state_hash() == live.state_hash(), "the same market from the tape", "another")
    _expect(live.counts().book_mismatches == 0, "quotes that are the top of the book at their update", live.counts())


CHECKS: tuple[Callable[[Subject], None], ...] = (
    same_input_gives_the_same_records,
    events_are_whole,
    instruments_come_first,
    times_are_told,
    numbers_are_exact,
    a_lost_frame_is_told,
    a_repeated_print_counts_once,
    a_lost_connection_is_told,
    garbage_is_a_decode_error,
    what_cannot_be_read_is_told,
    a_tape_of_it_verifies_and_replays,
)
"""All of them, in the order in which a new machine comes to keep them."""


def _events(data: bytes) -> Iterator[tuple[Instrument | None, Records]]:
    """Event by event; the instrument of an INSTRUMENT event."""
    records = as_records(data)
    ends = np.flatnonzero(records["flags"] & Flag.LAST) + 1
    start = 0
    for end in ends.tolist():
        event = records[start:end]
        yield (read_instrument_event(event) if event["kind"][0] == Kind.INSTRUMENT else None), event
        start = end


def _gaps(data: bytes) -> int:
    return int((as_records(data)["kind"] == Kind.GAP).sum())


def _prints(data: bytes) -> Records:
    records: Records = as_records(data)
    prints: Records = records[records["kind"] == Kind.PRINT]
    return prints

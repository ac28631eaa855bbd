"""Verification of one segment. After a finding it goes on with the next whole block."""

from hashlib import blake2b
from typing import NamedTuple

import msgspec
import numpy as np

from papertape.core.records import RECORD_BYTES, RECORD_DTYPE
from papertape.tape.layout import (
    CHAIN_START,
    SEGMENT_HEADER_BYTES,
    BlockHeader,
    Problem,
    Seal,
    parse_block,
    parse_seal,
    parse_segment_header,
)
from papertape.tape.sealed import SealedSegment
from papertape.tape.segment import any_set, block_end, find_seal, next_whole_block, order_problem, records_problem
from papertape.tape.verify_records import Contents


class Finding(msgspec.Struct, frozen=True):
    """One thing wrong: in the file `segment`, at the byte `offset`, where the record `seq` is expected (-1: none)."""

    code: str
    segment: str
    offset: int
    seq: int
    detail: str


class Place(NamedTuple):
    """Where a segment stands in its track: what its name, the one before it and `sealed.jsonl` say (None: nothing)."""

    name: str
    seq: int
    chain: bytes | None
    line: SealedSegment | None
    is_last: bool


class SegmentCheck:
    """One walk over a segment; afterwards the attributes say what was counted and where the next one begins."""

    def __init__(self, place: Place, data: bytes) -> None:
        self.blocks = 0
        self.records = 0
        self.next_seq = place.seq
        self.chain = place.chain
        self.is_sealed = False
        self.uncommitted_bytes = 0
        self._name = place.name
        self._data = data
        self._line = place.line
        self._must_be_sealed = place.line is not None or not place.is_last
        self._findings: list[Finding] = []
        self._whole: list[tuple[int, BlockHeader]] = []

    def run(self, contents: Contents) -> list[Finding]:
        """All findings of the segment."""
        self._check_header()
        offset: int | None = SEGMENT_HEADER_BYTES
        while offset is not None and offset < len(self._data):
            offset = self._step(offset)
        if self._must_be_sealed and not self.is_sealed and not self._findings:
            self._find(
                "not_sealed", len(self._data), "expected the seal of a finished segment, the file ends before it"
            )
        if self._findings:
            contents.is_complete = False
        self._check_contents(contents)
        return self._findings

    def _find(self, code: str, offset: int, detail: str, seq: int | None = None) -> None:
        self._findings.append(Finding(code, self._name, offset, self.next_seq if seq is None else seq, detail))

    def _check_header(self) -> None:
        header = parse_segment_header(self._data)
        if isinstance(header, Problem):
            if self._must_be_sealed or any_set(self._data, 0):
                self._find(header.code, 0, header.detail)
            self.chain = None
            return
        if header.first_seq != self.next_seq:
            self._find("seq_discontinuity", 0, f"the name says seq {self.next_seq}, the header {header.first_seq}")
            self.next_seq = header.first_seq
        expected = CHAIN_START if self.next_seq == 0 else self.chain
        if expected is not None and header.chain != expected:
            self._find("chain_break", 0, "the segment does not follow the one before it")
        self.chain = header.chain

    def _step(self, offset: int) -> int | None:
        """Check what stands at `offset`; where to go on, or None at the end."""
        block = parse_block(self._data, offset)
        if isinstance(block, BlockHeader):
            return self._check_block(offset, block)
        seal = parse_seal(self._data, offset)
        if seal is not None:
            self._check_seal(offset, seal)
            return None
        if not any_set(self._data, offset):
            if self._must_be_sealed:
                self._find("zero_filled", offset, f"{len(self._data) - offset} zero bytes up to the end of the file")
            return None
        return self._skip(offset, block)

    def _check_block(self, offset: int, block: BlockHeader) -> int:
        problem: Problem | None = None
        if self.chain is not None:
            problem = order_problem(block, self.next_seq, self.chain)
        elif block.first_seq != self.next_seq:
            problem = Problem("seq_discontinuity", f"expected seq {self.next_seq}, was {block.first_seq}")
        if problem is not None:
            self._find(problem.code, offset, problem.detail)
        self.next_seq = block.first_seq
        problem = records_problem(self._data, offset, block)
        if problem is None:
            self.blocks += 1
            self.records += block.records
            self._whole.append((offset, block))
        else:
            self._find_records(offset, block, problem)
        self.next_seq, self.chain = block.first_seq + block.records, block.chain
        return block_end(offset, block)

    def _find_records(self, offset: int, block: BlockHeader, problem: Problem) -> None:
        """A finding about the records of a block; zero-filled ones are named as such."""
        body = self._data[offset + RECORD_BYTES : block_end(offset, block)]
        rows = np.frombuffer(body, np.uint8, len(body) // RECORD_BYTES * RECORD_BYTES).reshape(-1, RECORD_BYTES)
        zeros = np.flatnonzero(~rows.any(axis=1))
        if problem.code == "record_crc" and len(zeros):
            first = int(zeros[0])
            detail = f"{len(zeros)} of the {block.records} records of the block at {offset} are zero-filled"
            self._find("zero_filled", offset + (1 + first) * RECORD_BYTES, detail, block.first_seq + first)
        else:
            self._find(problem.code, offset, problem.detail)

    def _check_seal(self, offset: int, seal: Seal) -> None:
        self.is_sealed = True
        if not self._findings:
            digest = blake2b(digest_size=32)
            for start, block in self._whole:
                digest.update(self._data[start + RECORD_BYTES : block_end(start, block)])
            if seal != Seal(self.next_seq, self.blocks, digest.digest()):
                self._find("seal_mismatch", offset, "the seal's totals or hash are not those of the records before it")
        line = self._line
        if line is None:
            if self._must_be_sealed:
                self._find(
                    "sealed_list", offset, "expected a line for this sealed segment in sealed.jsonl, there is none"
                )
        elif (line.last_seq + 1, line.blocks, line.records_hash) != (
            seal.next_seq,
            seal.blocks,
            seal.records_hash.hex(),
        ):
            self._find("sealed_list", offset, "the line in sealed.jsonl says something else than the seal")
        behind = len(self._data) - offset - RECORD_BYTES
        if behind:
            self._find("trailing_garbage", offset + RECORD_BYTES, f"{behind} bytes behind the seal")

    def _skip(self, offset: int, problem: Problem) -> int | None:
        """Tell what stands at `offset` instead of a block, and find the next whole block or the seal."""
        found = next_whole_block(self._data, offset + 1)
        seal_at = find_seal(self._data, offset + 1)
        if found is not None and (seal_at is None or found[0] < seal_at):
            at, seq = found[0], found[1].first_seq
            detail = f"{problem.detail}; the next whole block stands at {at} and begins with seq {seq}"
            self._find(problem.code, offset, detail)
            self.next_seq, self.chain = seq, None
            return at
        if seal_at is not None:
            self._find(problem.code, offset, f"{problem.detail}; behind it stands only the seal, at {seal_at}")
            return seal_at
        tail = len(self._data[offset:].rstrip(b"\0"))
        if problem.code == "zero_filled" and not self._must_be_sealed:
            self.uncommitted_bytes = (
                tail  # records whose header, the commit, was not written: a writer at work or killed
            )
            return None
        code = problem.code if self._must_be_sealed else "torn_tail"
        self._find(code, offset, f"{problem.detail}; {tail} bytes stand behind the last whole block")
        return None

    def _check_contents(self, contents: Contents) -> None:
        if not self._whole:
            return
        sizes = np.array([block.records for _, block in self._whole])
        starts = np.cumsum(sizes) - sizes
        body = b"".join(self._data[start + RECORD_BYTES : block_end(start, block)] for start, block in self._whole)
        for fault in contents.check(np.frombuffer(body, RECORD_DTYPE), starts):
            index = int(np.searchsorted(starts, fault.position, side="right")) - 1
            offset, block = self._whole[index]
            inside = fault.position - int(starts[index])
            self._find(fault.code, offset + (1 + inside) * RECORD_BYTES, fault.detail, block.first_seq + inside)

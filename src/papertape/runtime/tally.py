"""What was written onto a tape, counted by number: prints that came again or are missing, contradictions, switches."""

from typing import Any

import numpy as np

from papertape.core.records import NO_ID, Flag, Kind, Verdict

Records = np.ndarray[Any, np.dtype[Any]]


class Counts:
    """What was written of one number."""

    def __init__(self) -> None:
        self.divergent = self.duplicates = self.missing = 0
        self.print_ids: tuple[int, int] | None = None
        """The lowest and the highest."""

    def add(self, records: Records) -> None:
        """Count the records of this number in one batch."""
        kinds, verdicts = records["kind"], records["verdict"]
        self.divergent += int(np.count_nonzero(verdicts & int(Verdict.DIVERGENT)))
        gaps = records[(kinds == Kind.GAP) & (records["id"] == Kind.PRINT) & (records["x"] != NO_ID)]
        self.missing += int((gaps["y"] - gaps["x"] + 1).sum())
        prints = kinds == Kind.PRINT
        if prints.any():
            self.duplicates += int(np.count_nonzero(verdicts[prints] & int(Verdict.DUPLICATE)))
            self.missing -= int(np.count_nonzero(records["flags"][prints] & int(Flag.BACKFILL)))
            ids = records["id"][prints]
            low, high = self.print_ids or (int(ids[0]), int(ids[0]))
            self.print_ids = min(low, int(ids.min())), max(high, int(ids.max()))


class Tally:
    """What was written, by number."""

    def __init__(self) -> None:
        self.verdicts = dict.fromkeys(Verdict, 0)
        self.switches: dict[int, int] = {}
        self.counts: dict[int, Counts] = {}
        self.batches = 0

    def of(self, number: int) -> Counts:
        """What was written of this number so far."""
        return self.counts.setdefault(number, Counts())

    def add(self, records: Records) -> None:
        """Count one batch."""
        self.batches += 1
        for number in records["instrument"][records["kind"] == Kind.SOURCE].tolist():
            self.switches[number] = self.switches.get(number, 0) + 1
        marked = records["verdict"][(records["verdict"] != 0) & (records["flags"] & Flag.FIRST != 0)]
        if len(marked):
            for verdict in Verdict:
                self.verdicts[verdict] += int(np.count_nonzero(marked & int(verdict)))
        for number in np.unique(records["instrument"]).tolist():
            self.of(number).add(records[records["instrument"] == number])

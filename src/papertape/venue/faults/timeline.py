"""Which faults are to come, which are on, and what became of them. Times are nanoseconds of the market since its opening."""

from collections.abc import Collection, Iterable
from typing import Any, TypeVar

import msgspec

from papertape.core.errors import InputError
from papertape.venue.faults.schema import FAULTS_MAX, AnyFault, Fault, FaultPlan, KlineFinal

Kind = TypeVar("Kind", bound=Fault)


class Planned(msgspec.Struct, eq=False):
    """A fault of the timeline: when it begins and ends, and how often it has struck."""

    number: int
    fault: AnyFault
    begin_ns: int
    end_ns: int | None
    hits: int = 0
    """Frames, connections or requests that it has hit."""
    begun: bool = False
    ended: bool = False

    def told(self) -> dict[str, Any]:
        """How the control endpoint shows it."""
        state = "over" if self.ended else "on" if self.begun else "to come"
        given = {key: value for key, value in msgspec.to_builtins(self.fault).items() if value is not None}
        return given | {"number": self.number, "at_s": self.begin_ns / 1e9, "state": state, "hits": self.hits}


class Timeline:
    """All faults of a box. `symbols` are those of its market; empty when any may be named."""

    def __init__(self, plan: FaultPlan, symbols: Collection[str] = ()) -> None:
        """Raises InputError for a symbol that the market does not have."""
        self.seed = plan.seed
        self.all: list[Planned] = []
        self.active: list[Planned] = []
        self.next_ns: int | None = None
        """When the next fault begins or ends; None when none does."""
        self._symbols = symbols
        self.add(plan.fault, 0)

    def add(self, faults: Iterable[AnyFault], now_ns: int) -> list[Planned]:
        """Take more faults; one without a time, or with one gone by, begins at once.

        Raises InputError for too many, or for a symbol that the market does not have; then none is taken.
        """
        taken = []
        faults = tuple(faults)
        for fault in faults:
            symbol = getattr(fault, "symbol", None)
            if symbol is not None and self._symbols and symbol not in self._symbols:
                raise InputError(f"{fault.kind}: expected a symbol of {', '.join(self._symbols)}, was {symbol}")
        if len(self.all) + len(faults) > FAULTS_MAX:
            raise InputError(f"faults: expected at most {FAULTS_MAX} in one box, was more; start it anew")
        for fault in faults:
            begin_ns = now_ns if fault.at_s is None else max(now_ns, int(fault.at_s * 1e9))
            end_ns = None if fault.length_s is None else begin_ns + int(fault.length_s * 1e9)
            taken.append(Planned(len(self.all) + 1, fault, begin_ns, end_ns))
            self.all.append(taken[-1])
        self._schedule()
        return taken

    def advance(self, now_ns: int) -> list[tuple[Planned, bool]]:
        """Faults that begin (True) or end (False) up to now, in the order of time."""
        steps = []
        while (at_ns := self.next_ns) is not None and at_ns <= now_ns:
            ending = [planned for planned in self.active if planned.end_ns == at_ns]
            beginning = [planned for planned in self.all if not planned.begun and planned.begin_ns == at_ns]
            for planned in ending:
                planned.ended = True
                self.active.remove(planned)
                steps.append((planned, False))
            for planned in beginning:
                planned.begun = True
                self.active.append(planned)
                steps.append((planned, True))
            self._schedule()
        return steps

    def _schedule(self) -> None:
        begins = [planned.begin_ns for planned in self.all if not planned.begun]
        ends = [planned.end_ns for planned in self.active if planned.end_ns is not None]
        self.next_ns = min(begins + ends, default=None)

    def on(self, kind: type[Kind], **where: object) -> list[tuple[Planned, Kind]]:
        """Faults of a kind that are on; each of `where` must be what the fault names, if it names it."""
        found: list[tuple[Planned, Kind]] = []
        for planned in self.active:
            fault = planned.fault
            if isinstance(fault, kind) and all(getattr(fault, key) in (None, value) for key, value in where.items()):
                found.append((planned, fault))
        return found

    def strike(self, kind: type[Kind], **where: object) -> Kind | None:
        """The first fault of `on`, with its hit counted; None when there is none."""
        for planned, fault in self.on(kind, **where):
            planned.hits += 1
            return fault
        return None

    def final_times(self, symbol: str) -> int:
        """How often the closing message of a bar is sent."""
        fault = self.strike(KlineFinal, symbol=symbol)
        return fault.times if fault else 1

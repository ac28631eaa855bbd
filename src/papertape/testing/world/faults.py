"""What goes wrong in a world, and when: drawn from its seed before it begins.

A world is a stormy time and then a calm one. Each seed takes some kinds of fault and leaves others out, since faults that
all come at once hide each other.
"""

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple

from papertape.testing.world.chance import Chance

STORM_S = (10.0, 40.0)
CALM_S = 80.0
"""Long enough for the longest pause between two tries, a minute of REST weight, and a silence that has to be noticed."""


BAN_S = 120.0
"""A ban (418) that does not say how long it is lasts no shorter, as the venue documents."""


class FrameFault(StrEnum):
    """What becomes of one frame on its way."""

    LOST = "lost"
    TWICE = "twice"
    LATE = "late"
    """It arrives behind frames that were sent after it."""
    GARBAGE = "garbage"
    """Something that cannot be read arrives in its place."""


class Fault(StrEnum):
    """What is wrong for a while. The comments say what `amount` is."""

    CUT = "cut"
    """Connections end without a close frame, at the start of the time."""
    CLOSE = "close"
    """Connections end with a close frame."""
    HALF_OPEN = "half open"
    """Connections that are up at the start stay up and are dead."""
    MUTE = "mute"
    """The venue sends nothing; what it would have sent is lost."""
    SHUTDOWN = "shutdown"
    """serverShutdown is told at the start, and connections end with the time."""
    REFUSED = "refused"
    """No connection comes to be; amount: the HTTP status, 0 for no answer at all; 451 is about the first address alone."""
    REST = "rest"
    """REST answers nothing but an error; amount: the HTTP status, 0 for no answer at all, 200 for a body that cannot be read."""
    STALE = "stale"
    """Snapshots are some seconds old; amount: how many."""
    SLOW = "slow"
    """Everything takes longer; amount: milliseconds."""
    VENUE_CLOCK = "venue clock"
    """The venue's clock steps at the start; amount: milliseconds, may be negative."""
    OUR_CLOCK = "our clock"
    """Our clock steps at the start; amount: milliseconds. A step back is told as a time that stands still."""
    FINER = "finer"
    """Prices have one decimal more than listed, from the start on."""


WHOLE_CONNECTION = (Fault.CUT, Fault.CLOSE, Fault.HALF_OPEN, Fault.MUTE, Fault.SHUTDOWN, Fault.REFUSED)
ONE_SYMBOL = (Fault.REST, Fault.STALE, Fault.FINER)
"""Faults that can be about one symbol alone."""
MILLISECONDS = {Fault.SLOW: (100, 2_500), Fault.VENUE_CLOCK: (-5_000, 5_000), Fault.OUR_CLOCK: (-5_000, 5_000)}
STATUSES = {Fault.REST: (0, 0, 200, 200, 429, 429, 418, 451, 403, 500, 503), Fault.REFUSED: (0, 429, 451, 503)}
PAUSES = (418, 429)
"""Statuses that ask to wait."""
UNKNOWN = {"exchangeInfo": 150, "trades": 150, "historicalTrades": 200}
"""Routes that a venue may not know, and how many of 1,000 venues do not."""


class Spell(NamedTuple):
    """A fault for a time. `symbol` is empty when it is about all of them."""

    fault: Fault
    start_s: float
    end_s: float
    amount: int
    symbol: str = ""


class Restart(NamedTuple):
    """The recorder ends at a time, and after a pause the next one goes on with its tape."""

    at_s: float
    pause_s: float
    is_killed: bool = False
    """Whether it ends where it stands; else it still asks for the prints that are missing."""


class Plan(NamedTuple):
    """All faults of a world. `victim` is the one symbol that faults are about, or empty; `rates` are per 1,000 frames."""

    storm_s: float
    victim: str
    rates: dict[FrameFault, int]
    spells: tuple[Spell, ...]
    unknown: tuple[str, ...]
    """REST routes that the venue does not know, all the time."""
    slow_start_s: float
    """How long the venue is not there at the start."""
    restarts: tuple[Restart, ...]

    @property
    def ends_s(self) -> float:
        """When the world ends: after a calm, which is longer where a ban may come first."""
        may_ban = any(one.fault is Fault.REST and one.amount == 418 for one in self.spells)
        return self.storm_s + CALM_S + (BAN_S if may_ban else 0.0)

    def active(self, fault: Fault, now_s: float, symbol: str = "") -> Spell | None:
        """The spell of `fault` that lies over `symbol` now, if any."""
        for spell in self.spells:
            if spell.fault is fault and spell.start_s <= now_s < spell.end_s and spell.symbol in ("", symbol):
                return spell
        return None

    def frame_fault(self, chance: Chance, now_s: float, symbol: str) -> FrameFault | None:
        """What becomes of the next frame of `symbol`."""
        if now_s >= self.storm_s or self.victim not in ("", symbol):
            return None
        drawn = chance.below(1_000)
        for fault, rate in self.rates.items():
            if drawn < rate:
                return fault
            drawn -= rate
        return None


def plan_of(seed: int, symbols: Sequence[str]) -> Plan:
    """The faults of the world `seed`."""
    chance = Chance(seed, "faults")
    storm_s = chance.seconds(*STORM_S)
    victim = chance.pick(symbols) if len(symbols) > 1 and chance.happens(350) else ""
    rates = {fault: chance.between(1, 30) for fault in FrameFault if chance.happens(500)}
    kinds = [fault for fault in (ONE_SYMBOL if victim else tuple(Fault)) if chance.happens(450)]
    spells = [spell for fault in kinds for spell in _spells(fault, chance, storm_s, victim)]
    return Plan(
        storm_s=storm_s,
        victim=victim,
        rates=rates,
        spells=tuple(spells),
        unknown=tuple(route for route, permille in UNKNOWN.items() if chance.happens(permille)),
        slow_start_s=0.0 if victim or chance.happens(700) else chance.seconds(0.5, 8.0),
        restarts=() if victim else tuple(_restarts(chance, storm_s, spells)),
    )


def _spells(fault: Fault, chance: Chance, storm_s: float, victim: str) -> Iterator[Spell]:
    for _ in range(1 if fault is Fault.FINER else chance.between(1, 4)):
        start_s = chance.seconds(0.0, storm_s)
        end_s = start_s + chance.seconds(0.2, 8.0)
        amount = 0
        if fault in MILLISECONDS:
            amount = chance.between(*MILLISECONDS[fault])
        elif fault in STATUSES:
            amount = chance.pick(STATUSES[fault])
        elif fault is Fault.STALE:
            amount = chance.between(1, 6)
        yield Spell(fault, start_s, min(end_s, storm_s + 1.0), amount, victim)


def _restarts(chance: Chance, storm_s: float, spells: Iterable[Spell]) -> Iterator[Restart]:
    restarts: list[Restart] = []
    at_s = 0.0
    for _ in range(chance.between(1, 2) if chance.happens(300) else 0):
        at_s += chance.seconds(2.0, storm_s / 2)
        restarts.append(Restart(at_s, chance.seconds(0.01, 4.0)))
    for spell in spells:
        if spell.fault is Fault.REST and spell.amount in PAUSES and chance.happens(600):
            # Who begins asks what there is, and is told to wait; who then begins anew must wait as well.
            first_s = chance.seconds(spell.start_s, spell.end_s)
            restarts.append(Restart(first_s, 0.01, is_killed=True))
            restarts.append(Restart(first_s + chance.seconds(0.2, 2.0), chance.seconds(0.01, 1.0), is_killed=True))
    yield from sorted(restarts)

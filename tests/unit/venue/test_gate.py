"""What requests and handshakes cost, by a clock of the test."""

import asyncio
from collections.abc import Callable

import msgspec
import pytest

from papertape.venue.breaking import Breaker
from papertape.venue.clock import ReelClock
from papertape.venue.derived import Derived
from papertape.venue.fanout import Fanout
from papertape.venue.faults.schema import FaultPlan
from papertape.venue.faults.tamper import Tamper
from papertape.venue.faults.timeline import Timeline
from papertape.venue.gate import VenueGate
from papertape.venue.log import VenueLog
from papertape.venue.market import Market
from papertape.venue.parameters import RestError
from papertape.venue.rules import SPOT
from papertape.venue.sockets import SocketDesk
from papertape.venue.synthetic.market import SyntheticMarket

RULES = msgspec.structs.replace(SPOT, weight_per_minute_max=10, rest_strikes_max=2, strikes_max=2, attempts_max=2)


def gate_of(log: VenueLog, now_s: Callable[[], float]) -> VenueGate:
    market = Market(SyntheticMarket(1, ("BTCUSDT",)).facts(), RULES)
    timeline = Timeline(FaultPlan())
    tamper = Tamper(timeline)
    sockets = SocketDesk(Fanout(market, RULES, tamper, Derived(market, RULES)), RULES, log)
    return VenueGate(RULES, Breaker(timeline, tamper, sockets, market, ReelClock(market, 1)), log, now_s)


def answer(gate: VenueGate, weight: int = 6) -> tuple[int, int | None, str]:
    headers: dict[str, str] = {}
    try:
        asyncio.run(gate.charge("a", "depth", weight, headers))
    except RestError as error:
        return error.status, error.wait_s, headers["X-MBX-USED-WEIGHT-1M"]
    return 200, None, headers["X-MBX-USED-WEIGHT-1M"]


def test_weights_bans_and_their_end() -> None:
    log, now = VenueLog(), [600.0]
    gate = gate_of(log, lambda: now[0])
    assert answer(gate) == (200, None, "6")
    now[0] = 650
    assert answer(gate) == (429, 10, "12")
    assert answer(gate) == (418, 120, "18")
    now[0] = 700
    assert answer(gate)[:2] == (418, 70)
    with pytest.raises(RestError, match="banned until"):
        gate.admit("a")
    gate.admit("b")
    now[0] = 771
    assert answer(gate) == (200, None, "6")
    assert log.rate_violations == {"messages": 0, "weight": 2, "attempts": 0, "bans": 2}
    assert [(one.minute, one.weight, one.over_limit) for one in log.minutes] == [(10, 18, 2), (11, 6, 1), (12, 6, 0)]


def test_attempts_and_breaches() -> None:
    log = VenueLog()
    gate = gate_of(log, lambda: 0.0)
    gate.admit("a")
    gate.admit("a")
    with pytest.raises(RestError, match="Too many connections") as refused:
        gate.admit("a")
    assert refused.value.status == 429
    gate.too_many("a")
    with pytest.raises(RestError, match="banned until"):
        gate.admit("a")
    assert log.rate_violations == {"messages": 1, "weight": 0, "attempts": 1, "bans": 1}

"""How frames are bent."""

import json

import pytest

from papertape.venue.faults.schema import (
    AnyFault,
    Crossed,
    Delay,
    Duplicate,
    ExtraKeys,
    FaultPlan,
    Gap,
    Garbage,
    Jitter,
    Reorder,
)
from papertape.venue.faults.tamper import Bent, Tamper
from papertape.venue.faults.timeline import Timeline
from papertape.venue.frames import text_frame


def tamper(*faults: AnyFault, seed: int = 1) -> tuple[Tamper, Timeline]:
    timeline = Timeline(FaultPlan(seed=seed, fault=faults))
    timeline.advance(0)
    made = Tamper(timeline)
    made.refresh()
    return made, timeline


def sent(made: Tamper, *payloads: bytes, connection: int = 1, symbol: str = "A") -> list[bytes]:
    bent = Bent()
    return [frame for payload in payloads for _, frame in made.bend(bent, connection, symbol, payload)]


@pytest.mark.parametrize(
    ("faults", "expected"),
    [
        ((Gap(),), []),
        ((Gap(symbol="B"),), [b"{1}", b"{2}", b"{3}"]),
        ((Gap(connection=2),), [b"{1}", b"{2}", b"{3}"]),
        ((Duplicate(),), [b"{1}", b"{1}", b"{2}", b"{2}", b"{3}", b"{3}"]),
        ((Reorder(),), [b"{2}", b"{1}"]),
        ((Garbage(),), [b"{"] * 3),
        ((Garbage(), Gap()), []),
    ],
)
def test_what_is_sent(faults: tuple[AnyFault, ...], expected: list[bytes]) -> None:
    made, _ = tamper(*faults)
    assert made.active
    assert sent(made, b"{1}", b"{2}", b"{3}") == [text_frame(one) for one in expected]


def test_a_frame_that_waits_when_the_fault_ends_comes_second() -> None:
    made, timeline = tamper(Reorder(lasts_s=1))
    bent = Bent()
    assert made.bend(bent, 1, "A", b"1") == []
    timeline.advance(10**9)
    assert made.bend(bent, 1, "A", b"2") == [(0, text_frame(b"2")), (0, text_frame(b"1"))]


def test_sides_change_places() -> None:
    made, _ = tamper(Crossed())
    assert sent(made, b'{"b":"1","B":"2","a":"3","A":"4"}') == [text_frame(b'{"a":"1","A":"2","b":"3","B":"4"}')]


@pytest.mark.parametrize(
    ("payload", "head"),
    [(b'{"e":"x"}', b'{"e":"x",'), (b'{"stream":"s","data":{"e":"x"}}', b'{"stream":"s","data":{"e":"x",')],
)
def test_more_keys_stand_in_the_data(payload: bytes, head: bytes) -> None:
    made, _ = tamper(ExtraKeys())
    frame = sent(made, payload)[0]
    more = json.loads(frame[frame.index(b"{") :])
    assert more.get("data", more)["zz"] == {"new": [1, None]}
    assert head in frame


def test_delays_add_up_and_are_a_function_of_the_seed() -> None:
    def delays(seed: int) -> list[int]:
        made, _ = tamper(Delay(delay_ms=1000), Jitter(jitter_ms=50), seed=seed)
        bent = Bent()
        return [made.bend(bent, 1, "A", b"x")[0][0] for _ in range(40)]

    assert delays(1) == delays(1) != delays(2)
    assert all(1000 <= delay_ms <= 1050 for delay_ms in delays(1))
    assert len(dict.fromkeys(delays(1))) > 10


def test_a_share_hits_about_so_many() -> None:
    made, timeline = tamper(Gap(share=0.25))
    left = len(sent(made, *[b"x"] * 2000))
    assert 1400 < left < 1600
    assert timeline.all[0].hits == 2000 - left

"""Silence on a tape: where CLOCK records stand depends on the arrivals alone, not on when somebody looks."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from papertape.core.records import WHOLE, Kind, RecordBuffer, as_records
from papertape.core.silence import CLOCK_STEP_NS, SilenceFiller

BASE_NS = 1_700_000_000_000_000_000
US_NS = 1_000
pauses = st.lists(
    st.one_of(
        st.integers(0, 150_000),
        st.integers(0, 3_000_000),
        st.integers(0, 40).map(lambda steps: steps * 100_000),
        st.integers(50_000_000, 70_000_000),
    ),
    min_size=1,
    max_size=6,
)
"""Times between arrivals, µs."""


def told(arrivals: list[int], looks: list[int]) -> list[tuple[int, int]]:
    """(arrival, kind) of the records of a track on which quotes arrive, and at which somebody looks now and then."""
    buffer, data = RecordBuffer(), b""
    filler = SilenceFiller(buffer)
    for at_ns, arrives in sorted([(at, 1) for at in arrivals] + [(at, 0) for at in looks]):
        filler.fill(at_ns)
        if arrives:
            buffer.pack(0, at_ns, Kind.QUOTE, WHOLE, 0, 0, 1, 1, 2, 1, 0)
        else:
            data += buffer.take()
    records = as_records(data + buffer.take())
    return list(zip(records["ts_recv_ns"].tolist(), records["kind"].tolist(), strict=True))


def stamps(pauses_us: list[int]) -> list[int]:
    at_ns, found = BASE_NS + 123_000, []
    for pause_us in pauses_us:
        at_ns += pause_us * US_NS
        found.append(at_ns)
    return found


@given(pauses, st.lists(st.integers(0, 5_000_000), max_size=20))
def test_looking_changes_nothing_before_the_last_arrival(pauses_us: list[int], looks_us: list[int]) -> None:
    arrivals = stamps(pauses_us)
    looks = [BASE_NS + look * US_NS for look in looks_us]
    looks = [look for look in looks if look <= arrivals[-1]]
    assert told(arrivals, looks) == told(arrivals, [])


@given(pauses)
def test_records_are_in_order_and_fill_what_is_silent_alone(pauses_us: list[int]) -> None:
    arrivals = stamps(pauses_us)
    found = told(arrivals, [])
    assert [at for at, _ in found] == sorted(at for at, _ in found)
    assert [at for at, kind in found if kind == Kind.QUOTE] == arrivals
    clocks = {at for at, kind in found if kind == Kind.CLOCK}
    assert len(clocks) == len([at for at, kind in found if kind == Kind.CLOCK])
    assert all(at % CLOCK_STEP_NS == 0 for at in clocks)
    for earlier, later in pairwise(arrivals):
        between = {at for at in clocks if earlier < at < later}
        multiples = range((earlier // CLOCK_STEP_NS + 1) * CLOCK_STEP_NS, later, CLOCK_STEP_NS)
        if later - earlier <= CLOCK_STEP_NS:
            assert not between
        elif later - earlier <= 60 * 1_000_000_000:
            assert between == set(multiples)
        else:
            assert between <= set(multiples)
            assert between >= {at for at in multiples if at % 1_000_000_000 == 0}

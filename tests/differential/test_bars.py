"""Bars of the kernel against bars in plain Python, on random streams cut into random batches."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from papertape.core.bars import BAR_DTYPE, BarMaker, BarSource, bar_states, follow
from papertape.core.bars.kernels import make_bars
from papertape.core.fixed import MANTISSA_MAX, VALUE_MAX
from papertape.core.records import RECORD_DTYPE, Kind

SOURCES = (BarSource.PRINT, BarSource.BID, BarSource.ASK, BarSource.MID)
numbers = st.one_of(
    st.integers(1, 9), st.sampled_from([0, -1, VALUE_MAX, VALUE_MAX + 1, MANTISSA_MAX, -MANTISSA_MAX - 1])
)
times = st.one_of(st.integers(0, 60), st.integers(-30, 10**6))
records = st.tuples(
    *(times, times, st.sampled_from([Kind.PRINT, Kind.QUOTE, Kind.CLOCK]), st.integers(0, 15)),
    *(st.integers(0, 4), st.sampled_from([0, 0, 0, 1, 2, 8, 12]), numbers, numbers, numbers, numbers, st.just(0)),
)


@given(st.lists(records, max_size=60), st.integers(1, 20), st.lists(st.integers(0, 60), max_size=4), st.integers(1, 3))
def test_the_kernel_makes_the_bars_that_plain_python_makes(
    stream: list[tuple[int, ...]], interval_ns: int, cuts: list[int], room: int
) -> None:
    makers = [BarMaker(instrument, source, interval_ns) for instrument, source in enumerate(SOURCES)]
    wanted = [bar for record in stream for maker in makers if (bar := maker.add(record))]

    states = bar_states(len(SOURCES))
    for instrument, source in enumerate(SOURCES):
        follow(states, instrument, source, interval_ns)
    bars = []
    for batch in np.split(np.array(stream, RECORD_DTYPE), sorted(min(cut, len(stream)) for cut in cuts)):
        rest = batch
        while len(rest):
            closed = np.zeros(room, BAR_DTYPE)
            applied, made = make_bars(rest, states, closed)
            bars += closed[:made].tolist()
            rest = rest[applied:]

    assert bars == wanted
    for maker, state in zip(makers, states, strict=True):
        assert state["late"] == maker.late
        assert state["bar"].item() == (maker.bar or (0,) * 9)

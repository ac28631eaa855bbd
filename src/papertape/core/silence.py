"""CLOCK records: the time that passes while nothing arrives, as records of the tape.

They stand at round times of arrival, so it does not matter when somebody looks: a recorder that looks every
100 ms and a reel that is read in one go tell the same silence alike. The longer it lasts, the fewer there are.
"""

from collections.abc import Iterator

from papertape.core.records import WHOLE, Kind, RecordBuffer

CLOCK_STEP_NS = 100_000_000
"""A silence no longer than this is none."""
_SECOND_NS = 1_000_000_000
_STEPS = (
    (60 * _SECOND_NS, CLOCK_STEP_NS),
    (3_600 * _SECOND_NS, _SECOND_NS),
    (30 * 86_400 * _SECOND_NS, 60 * _SECOND_NS),
)
"""(age of the silence, step): up to this age of the silence, its records stand at the multiples of this step."""


def clock_stamps(since_ns: int, after_ns: int, until_ns: int) -> Iterator[int]:
    """The times of CLOCK records between `after_ns` and `until_ns`, both left out, in a silence that began at `since_ns`."""
    for age_ns, step_ns in _STEPS:
        age_ends_ns = since_ns + age_ns
        yield from range((after_ns // step_ns + 1) * step_ns, min(until_ns, age_ends_ns + 1), step_ns)
        after_ns = max(after_ns, age_ends_ns)


class SilenceFiller:
    """Packs the CLOCK records that are due into `buffer`; a silence begins at the last record that is no such record."""

    def __init__(self, buffer: RecordBuffer) -> None:
        self._buffer = buffer
        self._since_ns = self._told_ns = 0

    def fill(self, until_ns: int) -> None:
        """Tell the silence before `until_ns`; to be called before anything that arrived then is packed.

        Before the first record there is no silence.
        """
        last_ns = self._buffer.last_recv_ns
        if until_ns - last_ns <= CLOCK_STEP_NS or not last_ns:
            return
        if last_ns != self._told_ns:
            self._since_ns = last_ns
        for stamp_ns in clock_stamps(self._since_ns, max(self._since_ns, self._told_ns), until_ns):
            self._buffer.pack(0, stamp_ns, Kind.CLOCK, WHOLE, 0, 0, 0, 0, 0, 0, 0)
            self._told_ns = stamp_ns

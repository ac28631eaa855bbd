"""Quantiles of durations with a bounded error, in constant memory."""

from papertape.core.action_parts import LatencyUs

SUB_BITS = 5


class LatencyHistogram:
    """Counts durations in µs in log-linear buckets: 32 per octave, so a quantile is off by 3 % at most."""

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}
        self.total = 0

    def add(self, duration_us: int, count: int = 1) -> None:
        """Take `count` durations of the same length; a negative one counts as 0."""
        value = max(duration_us, 0)
        shift = max(value.bit_length() - SUB_BITS - 1, 0)
        bucket = (shift << SUB_BITS) + (value >> shift)
        self._counts[bucket] = self._counts.get(bucket, 0) + count
        self.total += count

    def summary(self) -> LatencyUs:
        """The quantiles that answers tell."""
        return LatencyUs(p50=self.quantile_us(50), p99=self.quantile_us(99))

    def quantile_us(self, percent: int) -> int | None:
        """Upper end of the bucket that holds the quantile; None before the first duration."""
        wanted = -(-self.total * percent // 100)
        seen = 0
        for bucket in sorted(self._counts):
            seen += self._counts[bucket]
            if seen >= wanted:
                shift = max((bucket >> SUB_BITS) - 1, 0)
                return ((bucket - (shift << SUB_BITS) + 1) << shift) - 1
        return None

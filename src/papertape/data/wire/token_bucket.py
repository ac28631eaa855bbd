"""A budget of tries: so many at once, and over time no more than come back."""


class TokenBucket:
    """`capacity` tries, which come back over `per_s` seconds. Time is given in seconds of a monotonic clock."""

    def __init__(self, capacity: int, per_s: float) -> None:
        self._capacity = capacity
        self._per_token_s = per_s / capacity
        self._tokens = float(capacity)
        self._seen_s: float | None = None

    def take(self, now_s: float) -> float:
        """Take one try; returns how many seconds to wait before making it. Tries are served in the order of asking."""
        if self._seen_s is not None:
            self._tokens = min(self._capacity, self._tokens + (now_s - self._seen_s) / self._per_token_s)
        self._seen_s = now_s
        self._tokens -= 1
        return max(0.0, -self._tokens * self._per_token_s)

"""Which of several sources of one instrument counts: the decision alone, told by what was heard and when.

The first source is the preferred one. The present one is left when it has fallen `stale_ns` behind another: that one
has brought something new, and it has said nothing since. Nobody is left for a market that is quiet everywhere, nor
for a source that only repeats itself. A preferred source is returned to after it has spoken for `return_ns` without
falling behind, so that one that comes and goes is not followed to and fro.
"""

from typing import NamedTuple

NEVER = -1


class SwitchRule(NamedTuple):
    """How patient a switch is, in nanoseconds of arrival time."""

    stale_ns: int = 3_000_000_000
    return_ns: int = 10_000_000_000


class Chooser:
    """The choice among `count` sources, by their place in the order of preference. `current` is the one that counts."""

    def __init__(self, count: int, rule: SwitchRule) -> None:
        self._rule = rule
        self._heard_ns = [NEVER] * count
        self._news_ns = [NEVER] * count
        self._well_since_ns = [NEVER] * count
        self.current = 0
        self.switches = 0

    def heard(self, place: int, ts_ns: int, *, is_news: bool) -> bool:
        """A source spoke at `ts_ns`, and said something new or only that it lives; whether another counts from here on."""
        if self._heard_ns[place] == NEVER or ts_ns - self._heard_ns[place] > self._rule.stale_ns:
            self._well_since_ns[place] = ts_ns
        self._heard_ns[place] = max(ts_ns, self._heard_ns[place])
        if is_news:
            self._news_ns[place] = self._heard_ns[place]
        chosen = self._choose(ts_ns)
        if chosen == self.current:
            return False
        self.current = chosen
        self.switches += 1
        return True

    def _choose(self, ts_ns: int) -> int:
        for place in range(self.current):
            well = self._well_since_ns[place]
            if well != NEVER and ts_ns - well >= self._rule.return_ns and not self._is_stale(place):
                return place
        if not self._is_stale(self.current):
            return self.current
        fresh = [place for place in range(len(self._heard_ns)) if not self._is_stale(place)]
        return fresh[0] if fresh else self.current

    def _is_stale(self, place: int) -> bool:
        """Whether another has brought news this long after the last word of this one; one never heard counts from the first word."""
        others = [news for other, news in enumerate(self._news_ns) if other != place and news != NEVER]
        if not others:
            return False
        since = self._heard_ns[place]
        if since == NEVER:
            since = min(heard for heard in self._well_since_ns if heard != NEVER)
        return max(others) - since > self._rule.stale_ns

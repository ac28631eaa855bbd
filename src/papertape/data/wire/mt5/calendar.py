"""When forex trades: from Sunday 17:00 to Friday 17:00 New York, without the daily rollover and without holidays.

The MetaTrader 5 interface for Python gives no session hours, so these are the market's own. New York's summer time
runs from 2:00 on the second Sunday of March to 2:00 on the first Sunday of November (the rule since 2007); both fall into the
weekend's closure.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

MINUTE_NS = 60_000_000_000
DAY_NS = 24 * 60 * MINUTE_NS
_WEEK_MINUTES = 7 * 24 * 60
_CLOSE_MINUTE = 17 * 60
"""17:00 in New York, where a trading day ends and the next begins."""
HOLIDAYS = ((12, 25), (1, 1))
"""(month, day) of trading days, by the date of their end, on which the whole market rests."""


class ForexCalendar(NamedTuple):
    """The market's hours; gap alarms ask it how much of a silence fell into them.

    Around each close of the day `rollover_before` and `rollover_after` minutes are not counted as open: brokers
    pause then, each for its own while. `holidays` are (month, day) of trading days, named by the New York date they end on.
    """

    rollover_before: int = 5
    rollover_after: int = 10
    holidays: tuple[tuple[int, int], ...] = HOLIDAYS

    def is_open(self, ts_ns: int) -> bool:
        """Whether quotes are to be expected at `ts_ns` (UTC)."""
        return any(opens <= ts_ns < closes for opens, closes in self._days(ts_ns, ts_ns + 1))

    def open_ns(self, from_ns: int, until_ns: int) -> int:
        """How much of the time between `from_ns` and `until_ns` was open, in ns."""
        return sum(min(closes, until_ns) - max(opens, from_ns) for opens, closes in self._days(from_ns, until_ns))

    def next_open_ns(self, ts_ns: int) -> int:
        """`ts_ns` when it is open, else when the market next opens; within ten days it does."""
        for opens, _ in self._days(ts_ns, ts_ns + 10 * DAY_NS):
            return max(opens, ts_ns)
        return ts_ns + 10 * DAY_NS

    def weekly_sessions(self, ts_ns: int) -> tuple[tuple[int, int], ...]:
        """The week's one session in minutes since Monday 00:00 UTC, as valid at `ts_ns`, rollovers included."""
        close = _CLOSE_MINUTE - _new_york_minutes(ts_ns)
        return (((6 * 1440 + close) % _WEEK_MINUTES, (4 * 1440 + close) % _WEEK_MINUTES),)

    def _days(self, from_ns: int, until_ns: int) -> Iterator[tuple[int, int]]:
        """(open, close) of each trading day that touches the time from `from_ns` to `until_ns`, in ns UTC."""
        day = _date(from_ns) - timedelta(days=1)
        while True:
            opens = _close_ns(day - timedelta(days=1)) + self.rollover_after * MINUTE_NS
            closes = _close_ns(day) - self.rollover_before * MINUTE_NS
            if opens >= until_ns:
                return
            if day.weekday() < 5 and (day.month, day.day) not in self.holidays and closes > from_ns:
                yield opens, closes
            day += timedelta(days=1)


def _date(ts_ns: int) -> date:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=ts_ns // 1000)).date()


def _close_ns(day: date) -> int:
    """17:00 in New York on `day`, in ns UTC."""
    midnight_ns = (day - date(1970, 1, 1)).days * DAY_NS
    noon_ns = midnight_ns + DAY_NS // 2
    return midnight_ns + (_CLOSE_MINUTE - _new_york_minutes(noon_ns)) * MINUTE_NS


def _new_york_minutes(ts_ns: int) -> int:
    """New York's clock minus UTC at `ts_ns`, in minutes."""
    year = _date(ts_ns).year
    begins = _nth_sunday(year, 3, 2) * DAY_NS + 7 * 60 * MINUTE_NS
    ends = _nth_sunday(year, 11, 1) * DAY_NS + 6 * 60 * MINUTE_NS
    return -240 if begins <= ts_ns < ends else -300


def _nth_sunday(year: int, month: int, n: int) -> int:
    """The n-th Sunday of a month, in days since 1970-01-01."""
    first = date(year, month, 1)
    return (first - date(1970, 1, 1)).days + (6 - first.weekday()) % 7 + 7 * (n - 1)

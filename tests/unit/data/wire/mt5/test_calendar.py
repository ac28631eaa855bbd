from datetime import UTC, datetime

import pytest

from papertape.data.wire.mt5.calendar import MINUTE_NS, ForexCalendar

CALENDAR = ForexCalendar()


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000_000


@pytest.mark.parametrize(
    ("when", "is_open"),
    [
        ("2025-09-26 20:54", True),  # Friday before 17:00 New York, which is 21:00 UTC in summer
        ("2025-09-26 20:56", False),
        ("2025-09-27 12:00", False),
        ("2025-09-28 20:59", False),
        ("2025-09-28 21:11", True),  # Sunday evening
        ("2025-09-29 20:57", False),  # the daily rollover
        ("2025-09-29 21:05", False),
        ("2025-09-29 21:10", True),
        ("2025-01-10 21:54", True),  # winter: 17:00 New York is 22:00 UTC
        ("2025-01-10 22:01", False),
        ("2025-12-25 12:00", False),
        ("2026-01-01 12:00", False),
        ("2025-12-24 12:00", True),
    ],
)
def test_open_and_closed(when: str, is_open: bool) -> None:
    assert CALENDAR.is_open(at(when)) is is_open


@pytest.mark.parametrize(
    ("sunday", "opens"),
    [
        ("2025-03-09 12:00", "2025-03-09 21:10"),  # summer time began that night
        ("2025-11-02 12:00", "2025-11-02 22:10"),  # it ended
        ("2025-03-02 12:00", "2025-03-02 22:10"),
    ],
)
def test_the_week_opens_by_new_yorks_clock(sunday: str, opens: str) -> None:
    assert CALENDAR.next_open_ns(at(sunday)) == at(opens)
    assert CALENDAR.next_open_ns(at(opens)) == at(opens)


def test_a_weekend_is_no_gap() -> None:
    friday, monday = at("2025-09-26 20:50"), at("2025-09-28 21:20")
    assert CALENDAR.open_ns(friday, monday) == 15 * MINUTE_NS
    assert CALENDAR.open_ns(at("2025-09-27 00:00"), at("2025-09-28 00:00")) == 0


def test_a_silence_in_the_day_counts_whole() -> None:
    assert CALENDAR.open_ns(at("2025-09-24 10:00"), at("2025-09-24 10:07")) == 7 * MINUTE_NS
    assert CALENDAR.open_ns(at("2025-09-24 20:50"), at("2025-09-24 21:20")) == 15 * MINUTE_NS


def test_weekly_sessions_follow_new_yorks_clock() -> None:
    sunday = 6 * 1440
    assert CALENDAR.weekly_sessions(at("2025-07-01 00:00")) == ((sunday + 21 * 60, 4 * 1440 + 21 * 60),)
    assert CALENDAR.weekly_sessions(at("2025-12-01 00:00")) == ((sunday + 22 * 60, 4 * 1440 + 22 * 60),)


def test_holidays_can_be_given() -> None:
    calendar = ForexCalendar(holidays=((9, 24),))
    assert not calendar.is_open(at("2025-09-24 10:00"))
    assert calendar.is_open(at("2025-12-25 10:00"))

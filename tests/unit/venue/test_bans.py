"""Attempts, strikes and bans."""

from papertape.venue.bans import BAN_MAX_S, Bans


def test_attempts_are_counted_in_a_window() -> None:
    bans = Bans(2, 10, 3)
    assert [bans.attempt("a", now_s) for now_s in (0, 1, 2, 9.9, 10, 10.5)] == [True, True, False, False, True, False]
    assert bans.attempt("b", 2)


def test_strikes_ban_for_twice_as_long_each_time() -> None:
    bans = Bans(1, 1, 2)
    assert not bans.strike("a", 0)
    assert bans.left_s("a", 0) == 0
    assert bans.strike("a", 0)
    assert bans.left_s("a", 100) == 20
    assert bans.left_s("b", 100) == 0
    assert bans.left_s("a", 120) == 0
    lengths = []
    for _ in range(14):
        bans.strike("a", 0)
        bans.strike("a", 0)
        lengths.append(bans.left_s("a", 0))
    assert lengths[:2] == [240, 480]
    assert lengths[-1] == BAN_MAX_S

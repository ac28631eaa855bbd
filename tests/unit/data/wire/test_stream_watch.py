from papertape.data.wire.stream_watch import GAP_TIMES, StreamWatch

FLOOR_S = 30.0


def watch_with(*gaps_s: float, stream: bytes = b"a") -> tuple[StreamWatch, float]:
    """A watch of one stream that has come after each of these gaps, and the time."""
    watch, now_s = StreamWatch(FLOOR_S), 0.0
    watch.take(now_s, [stream])
    for gap_s in gaps_s:
        now_s += gap_s
        watch.take(now_s, [stream])
    return watch, now_s


def test_nothing_is_expected_of_a_stream_that_has_not_come_twice() -> None:
    watch, now_s = watch_with()
    assert watch.allowed_s(b"a") is None
    assert watch.newly_stale(now_s + 1e6) == []


def test_a_quick_stream_may_be_quiet_for_the_floor_and_a_slow_one_for_its_own_rate() -> None:
    quick, now_s = watch_with(*[1.0] * 10)
    assert quick.allowed_s(b"a") == FLOOR_S
    assert quick.newly_stale(now_s + 29) == []
    assert quick.newly_stale(now_s + 30) == [b"a"]
    slow, now_s = watch_with(*[60.0] * 10)
    assert slow.allowed_s(b"a") == 60 * GAP_TIMES
    assert slow.newly_stale(now_s + 60 * GAP_TIMES - 1) == []
    assert slow.newly_stale(now_s + 60 * GAP_TIMES) == [b"a"]


def test_staleness_is_told_once_then_found_too_long_and_ends_when_the_stream_comes() -> None:
    watch, now_s = watch_with(*[1.0] * 5)
    assert watch.newly_stale(now_s + 30) == [b"a"]
    assert watch.newly_stale(now_s + 31) == []
    assert watch.stale == (b"a",)
    assert watch.stale_too_long(now_s + 59) == []
    assert watch.stale_too_long(now_s + 60) == [b"a"]
    watch.take(now_s + 61, [b"a"])
    assert (watch.stale, watch.stale_too_long(now_s + 90)) == ((), [])


def test_a_new_connection_has_its_own_time() -> None:
    watch, now_s = watch_with(*[1.0] * 5)
    watch.newly_stale(now_s + 30)
    watch.begin(now_s + 40)
    assert watch.stale == ()
    assert watch.newly_stale(now_s + 69) == []
    assert watch.newly_stale(now_s + 70) == [b"a"]


def test_a_forgotten_stream_is_not_expected() -> None:
    watch, now_s = watch_with(*[1.0] * 5)
    watch.forget([b"a", b"never"])
    assert watch.newly_stale(now_s + 1e6) == []


def test_streams_are_judged_apart() -> None:
    watch = StreamWatch(FLOOR_S)
    for second in range(100):
        watch.take(float(second), [b"a", b"b"] if second < 50 else [b"a"])
    assert watch.newly_stale(99.0) == [b"b"]

from papertape.data.wire.buffers import OVERHEAD_BYTES, Budget, MessageBuffer, Policy


def drained(buffer: MessageBuffer) -> list[bytes]:
    messages = []
    while (message := buffer.get()) is not None:
        messages.append(message)
    return messages


def test_lossless_keeps_all_in_order_and_says_when_to_stop_and_go_on() -> None:
    buffer = MessageBuffer(Policy.LOSSLESS, Budget(), 4)
    for number in range(4):
        assert not buffer.full
        assert buffer.put(b"k", b"%d" % number)
    assert buffer.full
    assert buffer.put(b"k", b"4"), "what was on its way is kept"
    assert not buffer.relieved
    assert [buffer.get() for _ in range(3)] == [b"0", b"1", b"2"]
    assert buffer.relieved
    assert drained(buffer) == [b"3", b"4"]
    assert buffer.counts() == (5, 0, 0, 0, 0)


def test_conflate_keeps_the_latest_of_each_key() -> None:
    buffer = MessageBuffer(Policy.CONFLATE, Budget(), 2)
    assert [buffer.put(key, message) for key, message in [(b"a", b"1"), (b"b", b"2"), (b"a", b"3333")]] == [True] * 3
    assert not buffer.put(b"c", b"4"), "a key too many"
    assert buffer.counts() == (3, 1, 1, 2, 5 + 2 * OVERHEAD_BYTES)
    assert drained(buffer) == [b"3333", b"2"]
    assert buffer.counts().waiting_bytes == 0


def test_shedding_drops_what_does_not_fit_and_counts_it() -> None:
    buffer = MessageBuffer(Policy.SHED_WITH_COUNT, Budget(), 2)
    assert [buffer.put(b"k", message) for message in (b"1", b"2", b"3", b"4")] == [True, True, False, False]
    assert buffer.counts().dropped == 2
    assert drained(buffer) == [b"1", b"2"]


def test_all_share_one_budget() -> None:
    budget = Budget(3 * (OVERHEAD_BYTES + 10))
    lossless = MessageBuffer(Policy.LOSSLESS, budget, 1000)
    shedding = MessageBuffer(Policy.SHED_WITH_COUNT, budget, 1000)
    latest = MessageBuffer(Policy.CONFLATE, budget, 1000)
    assert shedding.put(b"k", b"x" * 10)
    assert latest.put(b"k", b"x" * 10)
    assert lossless.put(b"k", b"x" * 10)
    assert lossless.full
    assert not shedding.put(b"k", b"x")
    assert not latest.put(b"other", b"x")
    assert not latest.put(b"k", b"x" * 11), "nor may the same key grow"
    assert latest.put(b"k", b"x" * 10)
    assert budget.used_bytes == budget.limit_bytes
    for buffer in (lossless, shedding, latest):
        drained(buffer)
    assert budget.used_bytes == 0

import asyncio

from papertape.data.connectors.inbox import Inbox
from papertape.data.wire.buffers import Budget, Policy


def inbox_of(policy: Policy, messages_max: int, told: list[str]) -> Inbox:
    return Inbox(policy, Budget(), messages_max, lambda: told.append("full"), lambda: told.append("relieved"))


async def test_a_reader_waits_for_what_comes() -> None:
    inbox = inbox_of(Policy.LOSSLESS, 10, [])
    async with asyncio.TaskGroup() as group:
        reading = group.create_task(inbox.get())
        await asyncio.sleep(0)
        assert not reading.done()
        inbox.put(b"k", b"one")
    assert reading.result() == b"one"


async def test_a_full_lossless_queue_stops_what_fills_it_until_half_is_read() -> None:
    told: list[str] = []
    inbox = inbox_of(Policy.LOSSLESS, 4, told)
    for number in range(4):
        assert await inbox.put_when_room(b"k", b"%d" % number)
    assert told == ["full"]
    assert inbox.full_since_s is not None
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(inbox.put_when_room(b"k", b"4"))
        assert await inbox.get() == b"0"
        await asyncio.sleep(0)
        assert not waiting.done()
        assert [await inbox.get() for _ in range(4)] == [b"1", b"2", b"3", b"4"]
    assert told == ["full", "relieved"]
    assert inbox.full_since_s is None


async def test_other_policies_never_stop_anything() -> None:
    for policy in (Policy.CONFLATE, Policy.SHED_WITH_COUNT):
        told: list[str] = []
        inbox = inbox_of(policy, 2, told)
        assert [await inbox.put_when_room(b"%d" % n, b"x") for n in range(4)] == [True, True, False, False]
        assert (told, inbox.counts().dropped, inbox.policy) == ([], 2, policy)

import asyncio
import json

import pytest

from papertape.core.errors import ConnectFailed
from papertape.testing.world.faults import Fault, FrameFault, Plan, Spell
from papertape.testing.world.loop import VirtualLoop
from papertape.testing.world.market import Print
from papertape.testing.world.network import SimNetwork
from papertape.testing.world.venue import SimVenue

URL = "ws://first/ws/aaausdt@trade"


def in_world(main, *spells, rates=None, slow_start_s=0.0):
    plan = Plan(100.0, "", rates or {}, spells, (), slow_start_s, ())

    async def run():
        venue = SimVenue(1, ("AAAUSDT",), plan, 10**18, usdm=False)
        network = SimNetwork(1, venue, plan, lambda: round(network.now_s * 1e9))
        async with asyncio.TaskGroup() as group:
            group.create_task(venue.trade())
            group.create_task(network.storm())
            try:
                return await main(network)
            finally:
                venue.is_trading = False

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(run())


def ids(frames):
    return [json.loads(frame)["data"]["t"] for frame in frames]


async def heard(network, seconds, silence_s=10.0):
    frames = []
    link = await network.connect(URL, lambda frame, is_last: frames.append(frame), silence_s)
    await asyncio.sleep(seconds)
    return link, frames


def now_s():
    return asyncio.get_running_loop().time()


def test_frames_arrive_in_order_until_the_link_is_closed():
    async def main(network):
        link, frames = await heard(network, 5)
        assert ids(frames) == list(range(ids(frames)[0], ids(frames)[-1] + 1))
        assert network.told == [("AAAUSDT", Print, one) for one in ids(frames)]
        count = len(frames)
        link.close()
        assert await link.wait_closed() == "closed by us"
        await asyncio.sleep(2)
        assert len(frames) == count > 20
        assert (network.links, network.venue.sessions) == ({}, [])

    in_world(main)


def test_a_request_reaches_the_venue():
    async def main(network):
        link, frames = await heard(network, 0)
        link.send(b'{"method":"LIST_SUBSCRIPTIONS","id":"x"}')
        await asyncio.sleep(1)
        assert {"result": ["aaausdt@trade"], "id": "x"} in [json.loads(frame) for frame in frames]

    in_world(main)


def test_pings_are_answered_and_reading_can_wait():
    async def main(network):
        link, frames = await heard(network, 2)
        link.ping()
        link.pause()
        count = len(frames)
        await asyncio.sleep(2)
        assert (link.pongs, len(frames)) == (1, count)
        assert 0 < link.round_trip_s < 0.2
        link.resume()
        assert ids(frames) == list(range(ids(frames)[0], ids(frames)[-1] + 1))
        assert len(frames) > count
        link.die()
        link.ping()
        await asyncio.sleep(2)
        assert link.pongs == 1

    in_world(main)


@pytest.mark.parametrize("fault", FrameFault)
def test_faults_of_frames(fault):
    async def main(network):
        _, frames = await heard(network, 20)
        told = [one.id for one in network.told]
        assert network.happened[fault] > 10
        match fault:
            case FrameFault.LOST:
                assert told == sorted(set(told)) == ids(frames)
                assert len(told) < told[-1] - told[0] + 1
            case FrameFault.TWICE:
                assert sorted(set(told)) == list(range(min(told), max(told) + 1))
                assert len(told) > len(set(told))
            case FrameFault.LATE:
                assert told != sorted(told)
                assert len(told) == len(set(told))
            case FrameFault.GARBAGE:
                assert len(frames) > len(told)
                for frame in frames:
                    if not any(b'"t":%d,' % one in frame for one in told):
                        with pytest.raises((ValueError, KeyError, RecursionError, TypeError)):
                            json.loads(frame)["data"]["t"]

    in_world(main, rates={fault: 300})


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (Fault.CUT, "connection lost without a close frame"),
        (Fault.CLOSE, "closed by the peer: 1001 going away"),
        (Fault.HALF_OPEN, "silent for 4 s"),
    ],
)
def test_connections_end(fault, why):
    async def main(network):
        link, frames = await heard(network, 0, silence_s=4.0)
        assert await link.wait_closed() == why
        assert (now_s() >= 7.0) == (fault is Fault.HALF_OPEN)
        assert frames
        count = len(frames)
        await asyncio.sleep(1)
        assert len(frames) == count

    in_world(main, Spell(fault, 3.0, 4.0, 0))


def test_a_shutdown_is_told_and_then_comes():
    async def main(network):
        link, frames = await heard(network, 0)
        assert await link.wait_closed() == "connection lost without a close frame"
        assert now_s() >= 4.0
        assert any(b"serverShutdown" in frame for frame in frames)

    in_world(main, Spell(Fault.SHUTDOWN, 3.0, 4.0, 0))


def test_connections_are_refused():
    async def main(network):
        for status in (503, 451, None):
            with pytest.raises(ConnectFailed) as caught:
                await network.connect(URL, print, 10.0)
            assert caught.value.status == status
            if status == 451:
                assert await network.connect(URL.replace("first", "second"), print, 10.0)
            await asyncio.sleep(1)
        with pytest.raises(ConnectFailed, match="404"):
            await network.connect("ws://venue/nowhere", print, 10.0)

    in_world(
        main,
        Spell(Fault.REFUSED, 1.0, 2.0, 451),
        Spell(Fault.REFUSED, 2.0, 3.0, 0),
        slow_start_s=0.9,
    )


def test_questions_are_answered_badly_and_well():
    async def main(network):
        assert (await network.get("http://venue/api/v3/time", {})).status == 503
        await asyncio.sleep(1)
        answer = await network.get("http://venue/api/v3/time", {})
        assert answer.status == 500
        await asyncio.sleep(1)
        with pytest.raises(ConnectFailed, match="no answer"):
            await network.get("http://venue/api/v3/time", {})
        assert now_s() > 12
        answer = await network.get("http://venue/api/v3/time", {})
        assert (answer.status, network.venue.breaches) == (200, [])

    in_world(main, Spell(Fault.REST, 0.9, 2.0, 500), Spell(Fault.REST, 2.0, 3.0, 0), slow_start_s=0.9)


def test_whoever_asks_too_early_is_written_down():
    async def main(network):
        answers = [await network.get("http://venue/api/v3/time", {}) for _ in range(12)]
        assert all(answer.status == 418 for answer in answers)
        assert any(answer.retry_after_s for answer in answers)
        assert network.venue.breaches

    in_world(main, Spell(Fault.REST, 0.0, 30.0, 418))


def test_a_slow_network_is_slow():
    async def main(network):
        begins_s = now_s()
        for _ in range(5):
            await network.get("http://venue/api/v3/time", {})
        return now_s() - begins_s

    assert in_world(main, Spell(Fault.SLOW, 0.0, 90.0, 2_000)) > 10 * in_world(main)

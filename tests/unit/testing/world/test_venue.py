import asyncio
import json

import pytest

from papertape.testing.world.faults import Fault, FrameFault, Plan, Spell
from papertape.testing.world.loop import VirtualLoop
from papertape.testing.world.market import Depth, Print, Quote
from papertape.testing.world.venue import ATTEMPTS_MAX, SimVenue

CALM = Plan(0.0, "", {}, (), (), 0.0, ())
SYMBOLS = ("AAAUSDT", "BBBUSDT")


class Ear:
    def __init__(self):
        self.heard = []
        self.ended = ""

    def push(self, text, about=None):
        self.heard.append((about, json.loads(text)))

    def end(self, why):
        self.ended = why

    def streams(self):
        return {body["stream"] for about, body in self.heard if about}


def with_venue(main, plan=CALM, usdm=False):
    async def run():
        return await main(SimVenue(1, SYMBOLS, plan, 10**18, usdm=usdm))

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(run())


async def trading(venue, seconds):
    venue.is_trading = True
    async with asyncio.TaskGroup() as group:
        group.create_task(venue.trade())
        await asyncio.sleep(seconds)
        venue.is_trading = False


def test_what_was_asked_for_is_sent():
    async def main(venue):
        ear = Ear()
        session = venue.open("ws://venue/stream?streams=aaausdt@trade/bbbusdt@depth@100ms", ear)
        await trading(venue, 2)
        assert ear.streams() == {"aaausdt@trade", "bbbusdt@depth@100ms"}
        assert {about.kind for about, _ in ear.heard} == {Print, Depth}
        assert max(about.id for about, _ in ear.heard if about.kind is Print) == venue.markets["AAAUSDT"].trade_id
        venue.receive(session, b'{"method":"SUBSCRIBE","params":["aaausdt@bookTicker"],"id":1}')
        venue.receive(session, b'{"method":"UNSUBSCRIBE","params":["aaausdt@trade"],"id":2}')
        venue.receive(session, b'{"method":"LIST_SUBSCRIPTIONS","id":3}')
        assert [body for about, body in ear.heard if not about] == [
            {"result": None, "id": 1},
            {"result": None, "id": 2},
            {"result": ["bbbusdt@depth@100ms", "aaausdt@bookTicker"], "id": 3},
        ]
        ear.heard.clear()
        await trading(venue, 2)
        assert {about.kind for about, _ in ear.heard} == {Quote, Depth}
        venue.close(session)
        ear.heard.clear()
        await trading(venue, 1)
        assert (ear.heard, venue.breaches) == ([], [])

    with_venue(main)


def test_usdm_sends_only_what_belongs_to_an_address():
    streams = "aaausdt@trade/aaausdt@bookTicker"

    async def main(venue):
        ears = {}
        for path in ("/public/stream?streams=", "/market/stream?streams=", "/stream?streams=", "/ws/"):
            ears[path] = Ear()
            venue.open(f"ws://venue{path}{streams}", ears[path])
        await trading(venue, 1)
        assert [ear.streams() for ear in ears.values()] == [
            {"aaausdt@bookTicker"},
            {"aaausdt@trade"},
            {"aaausdt@bookTicker"},
            {"aaausdt@bookTicker"},
        ]
        assert venue.open("ws://venue/private", Ear()) == 404

    with_venue(main, usdm=True)


def test_whoever_breaks_a_limit_is_written_down():
    async def main(venue):
        ear = Ear()
        session = venue.open("ws://venue/ws", ear)
        for number in range(6):
            venue.receive(session, b'{"method":"SUBSCRIBE","params":[],"id":%d}' % number)
        assert ear.ended.endswith("1008 Too many requests")
        venue.receive(session, b"nobody listens any more")
        other = venue.open("ws://venue/ws", Ear())
        venue.receive(other, b" " * 5_000)
        venue.receive(other, b'{"method":"SHOUT","id":1}')
        names = "/".join(f"s{number}@trade" for number in range(1_025))
        assert venue.open(f"ws://venue/stream?streams={names}", Ear()) == 400
        for _ in range(ATTEMPTS_MAX):
            venue.open("ws://venue/ws", Ear())
        words = ("too many messages", "5000 bytes", "SHOUT", "1025 streams", "connection attempts")
        assert all(any(word in breach for breach in venue.breaches) for word in words)

    with_venue(main)


def test_rest():
    async def main(venue):
        await trading(venue, 3)
        market = venue.markets["AAAUSDT"]
        assert json.loads(venue.ask("time", {}).body)["serverTime"] == venue.now_ms()
        assert json.loads(venue.ask("depth", {"symbol": "AAAUSDT"}).body)["lastUpdateId"] == market.update_id
        latest = json.loads(venue.ask("trades", {"symbol": "AAAUSDT", "limit": "3"}).body)
        assert [one["id"] for one in latest] == [market.trade_id - 2, market.trade_id - 1, market.trade_id]
        first = min(market.prints)
        query = {"symbol": "AAAUSDT", "limit": "2", "fromId": str(first)}
        assert [one["id"] for one in json.loads(venue.ask("historicalTrades", query).body)] == [first, first + 1]
        assert venue.ask("depth", {"symbol": "NOPE"}).status == 400
        assert venue.ask("nope", {"symbol": "AAAUSDT"}).status == 404
        assert len(json.loads(venue.ask("exchangeInfo", {}).body)["symbols"]) == 2
        before = venue.ask("time", {}).used_weight
        assert venue.ask("depth", {"symbol": "AAAUSDT", "limit": "5000"}).used_weight == before + 250
        while (reply := venue.ask("depth", {"symbol": "AAAUSDT", "limit": "5000"})).status == 200:
            pass
        assert (reply.status, reply.retry_after_s) == (429, 57.0)
        await asyncio.sleep(60)
        assert venue.ask("time", {}).status == 200

    with_venue(main)


def test_faults_of_the_venue():
    spells = (
        Spell(Fault.STALE, 5.0, 9.0, 2),
        Spell(Fault.VENUE_CLOCK, 4.0, 5.0, -3_000),
        Spell(Fault.MUTE, 0.0, 2.0, 0),
    )

    async def main(venue):
        ear = Ear()
        venue.open("ws://venue/ws/aaausdt@trade", ear)
        await trading(venue, 1.9)
        assert ear.heard == []
        await trading(venue, 4)
        assert ear.heard
        assert venue.now_ms() == 10**12 + int(asyncio.get_running_loop().time() * 1_000) - 3_000
        stale = json.loads(venue.ask("depth", {"symbol": "AAAUSDT"}).body)
        assert stale["lastUpdateId"] < venue.markets["AAAUSDT"].update_id
        venue.announce_end()
        assert ear.heard[-1][1]["data"]["e"] == "serverShutdown"
        assert venue.ask("exchangeInfo", {}).status == 404

    with_venue(main, Plan(9.0, "", {FrameFault.LOST: 0}, spells, ("exchangeInfo",), 0.0, ()))


@pytest.mark.parametrize("usdm", [False, True])
def test_ticks_become_finer(usdm):
    async def main(venue):
        await trading(venue, 20)
        assert venue.markets["AAAUSDT"].units_per_tick == 1
        assert venue.markets["BBBUSDT"].units_per_tick == 10

    with_venue(main, Plan(9.0, "", {}, (Spell(Fault.FINER, 1.0, 2.0, 0, "AAAUSDT"),), (), 0.0, ()), usdm)

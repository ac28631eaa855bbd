"""Which clients get a frame, in which form; whole markets stand in test_playback.py."""

from papertape.venue.connection import ControlSession
from papertape.venue.derived import Derived
from papertape.venue.fanout import Client, Fanout
from papertape.venue.faults.schema import FaultPlan
from papertape.venue.faults.tamper import Tamper
from papertape.venue.faults.timeline import Timeline
from papertape.venue.frames import text_frame
from papertape.venue.lines import Line
from papertape.venue.market import Market
from papertape.venue.rules import SPOT
from papertape.venue.synthetic.market import SyntheticMarket
from tests.unit.venue.test_playback import Writer, Written


def test_one_frame_in_each_form_that_is_wanted() -> None:
    market = Market(SyntheticMarket(1, ("BTCUSDT",)).facts(), SPOT)
    fanout = Fanout(market, SPOT, Tamper(Timeline(FaultPlan())), Derived(market, SPOT))
    asked = [(False, False), (True, False), (False, True), (True, True)]
    transports = [Written() for _ in asked]
    for (combined, microseconds), transport in zip(asked, transports, strict=True):
        control = ControlSession(SPOT, combined=combined, streams=["btcusdt@trade"])
        fanout.add(Client(control, "unrouted", transport, Writer(), microseconds=microseconds))
    silent = Written()
    control = ControlSession(SPOT, combined=False, streams=["btcusdt@trade"])
    fanout.add(Client(control, "unrouted", silent, Writer(), silent=True))
    fanout.spread(Line(stream="btcusdt@trade"), b'{"E":1700000000000}')
    assert fanout.flush() == []
    assert [transport.data for transport in transports] == [
        text_frame(b'{"E":1700000000000}'),
        text_frame(b'{"stream":"btcusdt@trade","data":{"E":1700000000000}}'),
        text_frame(b'{"E":1700000000000000}'),
        text_frame(b'{"stream":"btcusdt@trade","data":{"E":1700000000000000}}'),
    ]
    assert silent.data == b""

import inspect

from papertape.core.records import RecordBuffer
from papertape.data.quality.gate import Gate
from papertape.data.venue_port import VenueMachine
from papertape.data.wire.binance.machine import BinanceMachine
from papertape.data.wire.binance.rules import SPOT


def test_binances_machine_is_one():
    machine: VenueMachine = BinanceMachine(SPOT, {"AAAUSDT": 0}, Gate(RecordBuffer()))
    for name in ("take", "lose", "note_unreadable"):
        wanted = list(inspect.signature(getattr(VenueMachine, name)).parameters)[1:]
        assert list(inspect.signature(getattr(machine, name)).parameters) == wanted

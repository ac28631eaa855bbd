import pytest

from papertape.core.errors import InputError
from papertape.core.records import RecordBuffer
from papertape.data.connectors.binance_listing import Listing
from papertape.data.connectors.ports import Answer
from papertape.data.quality.gate import Gate
from papertape.data.wire.binance.machine import BinanceMachine
from papertape.data.wire.binance.rules import SPOT
from tests.rest_doubles import DEPTH, Notes, RestServer


async def test_listing_goes_from_exchange_info_to_snapshot_and_names_an_unknown_symbol():
    server = RestServer()
    server.answers["depth"] = lambda query: Answer(200, DEPTH, None)
    machine = BinanceMachine(SPOT, {"ABCUSDT": 0}, Gate(RecordBuffer()))
    await Listing(machine, server.rest(), lambda: 1, Notes()).list_symbols()
    assert server.routes == ["exchangeInfo", "depth"]
    assert machine.feeds["ABCUSDT"].instrument is not None
    server.answers["depth"] = lambda query: Answer(400, b'{"code":-1121,"msg":"Invalid symbol."}', None)
    machine = BinanceMachine(SPOT, {"ABCUSDT": 0}, Gate(RecordBuffer()))
    with pytest.raises(InputError, match="ABCUSDT.*-1121"):
        await Listing(machine, server.rest(), lambda: 1, Notes()).list_symbols()

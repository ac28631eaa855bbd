from functools import partial

import msgspec
import pytest

from papertape.core.errors import InputError
from papertape.core.instruments import read_instrument_event
from papertape.core.records import Flag, Kind, RecordBuffer, as_records
from papertape.data.connectors.binance_listing import Listing
from papertape.data.connectors.ports import Answer
from papertape.data.quality.gate import Gate
from papertape.data.wire.binance.machine import BinanceMachine
from papertape.data.wire.binance.rules import SPOT
from tests.rest_doubles import DEPTH, Notes, RestServer, Taken


async def test_listing_goes_from_exchange_info_to_snapshot_and_names_an_unknown_symbol():
    server = RestServer()
    server.answers["depth"] = lambda query: Answer(200, DEPTH, None)
    machine = BinanceMachine(SPOT, {"ABCUSDT": 0}, Gate(RecordBuffer()))
    await Listing(machine, Taken(machine), server.rest(), lambda: 1, Notes()).list_symbols()
    assert server.routes == ["exchangeInfo", "depth"]
    assert machine.feeds["ABCUSDT"].instrument is not None
    server.answers["depth"] = lambda query: Answer(400, b'{"code":-1121,"msg":"Invalid symbol."}', None)
    machine = BinanceMachine(SPOT, {"ABCUSDT": 0}, Gate(RecordBuffer()))
    with pytest.raises(InputError, match="ABCUSDT.*-1121"):
        await Listing(machine, Taken(machine), server.rest(), lambda: 1, Notes()).list_symbols()


def exchange_info(tick: str, limit: int = 1234, status: str = "TRADING", name: str = "ETHUSDT") -> Answer:
    symbol = {
        "symbol": name,
        "status": status,
        "baseAsset": "ETH",
        "quoteAsset": "USDT",
        "filters": [
            {"filterType": "PRICE_FILTER", "tickSize": tick},
            {"filterType": "LOT_SIZE", "stepSize": "0.001", "minQty": "0.001"},
        ],
    }
    limits = [{"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": limit}]
    return Answer(200, msgspec.json.encode({"symbols": [symbol], "rateLimits": limits}), None)


async def test_rules_that_changed_open_an_epoch_and_the_limit_is_the_venues():
    server, notes = RestServer(), Notes()
    machine = BinanceMachine(SPOT, {"ETHUSDT": 0}, Gate(RecordBuffer()))
    rest = server.rest()
    listing = Listing(machine, Taken(machine), rest, lambda: 1, notes)
    server.answers["exchangeInfo"] = lambda query: exchange_info("0.01")
    await listing.list_symbols()
    assert rest.weights.state().limit == 1234
    machine.gate.buffer.take()
    await listing.refresh_once()
    assert machine.gate.buffer.count == 0, "nothing changed"
    server.answers["exchangeInfo"] = lambda query: exchange_info("0.1", limit=4321)
    await listing.refresh_once()
    now = machine.feeds["ETHUSDT"].instrument
    assert now is not None
    assert (now.epoch, now.price_scale, now.tick) == (1, 2, 10), "scales never become coarser"
    assert set(as_records(machine.gate.buffer.take())["kind"]) == {Kind.INSTRUMENT}
    assert rest.weights.state().limit == 4321


def answer_of(body: bytes, query: dict[str, str]) -> Answer:
    return Answer(200, body, None)


async def test_a_refresh_that_goes_wrong_leaves_everything_as_it_was():
    server, notes = RestServer(), Notes()
    machine = BinanceMachine(SPOT, {"ETHUSDT": 0}, Gate(RecordBuffer()))
    listing = Listing(machine, Taken(machine), server.rest(), lambda: 1, notes)
    server.answers["exchangeInfo"] = lambda query: exchange_info("0.01")
    await listing.list_symbols()
    before = machine.feeds["ETHUSDT"].instrument
    for body in (b"<html>", b'{"symbols":[]}'):
        server.answers["exchangeInfo"] = partial(answer_of, body)
        await listing.refresh_once()
    server.answers["exchangeInfo"] = lambda query: Answer(503, b"", None)
    await listing.refresh_once()
    assert machine.feeds["ETHUSDT"].instrument == before
    assert notes.texts == ["the instruments are as before", "the instruments are as before", "no exchangeInfo"]


async def test_a_trading_status_that_changed_is_an_epoch_of_the_instrument():
    server = RestServer()
    machine = BinanceMachine(SPOT, {"ETHUSDT": 3}, Gate(RecordBuffer()))
    listing = Listing(machine, Taken(machine), server.rest(), lambda: 1, Notes())
    statuses = ("TRADING", "BREAK", "BREAK", "TRADING")
    for place, status in enumerate(statuses):
        server.answers["exchangeInfo"] = partial(answer_of, exchange_info("0.01", status=status).body)
        await (listing.refresh_once() if place else listing.list_symbols())
    told = as_records(machine.gate.buffer.take())
    heads = told[(told["flags"] & Flag.FIRST) != 0]
    assert heads["id"].tolist() == [0, 1, 2], "trading, a break, trading again"
    ends = [*[place for place in range(len(told)) if told["flags"][place] & Flag.FIRST][1:], len(told)]
    begins = [0, *ends[:-1]]
    instruments = [read_instrument_event(told[begin:end]) for begin, end in zip(begins, ends, strict=True)]
    assert [one.status for one in instruments] == [msgspec.UNSET, "BREAK", msgspec.UNSET]


async def test_a_symbol_that_is_listed_no_more_is_told_and_holds_up_no_other():
    """Spot refuses a question that names it, so what is listed at all is asked for."""
    server = RestServer()
    machine = BinanceMachine(SPOT, {"ETHUSDT": 0}, Gate(RecordBuffer()))
    listing = Listing(machine, Taken(machine), server.rest(), lambda: 1, Notes())
    server.answers["exchangeInfo"] = lambda query: exchange_info("0.01")
    await listing.list_symbols()
    server.answers["exchangeInfo"] = lambda query: (
        Answer(400, b'{"code":-1121,"msg":"Invalid symbol."}', None) if query else exchange_info("0.01", name="ABCUSDT")
    )
    await listing.refresh_once()
    now = machine.feeds["ETHUSDT"].instrument
    assert now is not None
    assert (now.status, now.epoch, now.tick) == ("DELISTED", 1, 1)

from papertape.data.connectors.binance_healing import Healing
from tests.binance_frames import machine, trade
from tests.rest_doubles import Notes, RestServer, Taken, rows


async def test_a_gap_is_healed_range_by_range_even_when_the_oldest_is_gone():
    server, one = RestServer(), machine()
    server.answers["trades"] = lambda query: rows(18, 19, 20)
    server.answers["historicalTrades"] = lambda query: rows(*range(max(int(query["fromId"]), 6), 20))
    for number in (1, 4, 5, 10, 20):
        one.take(1, trade(number))
    ids = one.feeds["ETHUSDT"].trade_ids
    assert ids.missing == 2 + 4 + 9
    await Healing(one, Taken(one), server.rest(), Notes()).finish({})
    assert [one.first for one in ids.open_ranges] == [2]
    assert ids.missing == 2
    assert ids.duplicates == 0


async def test_prints_after_the_last_one_that_came_are_asked_for_once_a_connection_was_lost():
    server, one = RestServer(), machine()
    server.answers["trades"] = lambda query: rows(1, 2, 3, 4)
    one.take(1, trade(2))
    healing = Healing(one, Taken(one), server.rest(), Notes())
    await healing.finish({})
    ids = one.feeds["ETHUSDT"].trade_ids
    assert ids.last == 2, "nothing was lost"
    await healing.finish({"ETHUSDT": 2})
    assert (ids.last, ids.missing, ids.duplicates) == (4, 0, 0)

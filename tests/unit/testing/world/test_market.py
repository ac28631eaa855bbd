import pytest

from papertape.testing.world.chance import Chance
from papertape.testing.world.market import Depth, Print, Quote, SimMarket, level_word


def lived(leaps, beats=2_000, seed=5):
    told = []
    market = SimMarket("AAAUSDT", leaps=leaps, chance=Chance(seed, "market"), tell=told.append)
    start = (market.update_id, dict(market.sides[0]), dict(market.sides[1]))
    for ms in range(beats):
        if ms == beats // 2:
            market.units_per_tick = 1
        market.beat(ms)
        if ms % 5 == 4:
            market.batch(ms)
    return market, told, start


@pytest.mark.parametrize("leaps", [False, True])
def test_batches_add_up_to_the_book_at_every_id(leaps):
    market, told, (update_id, bids, asks) = lived(leaps)
    events = [one for one in told if isinstance(one, Depth)]
    for event in events:
        assert event.previous_id == update_id
        assert update_id < event.first_id <= event.last_id
        update_id = event.last_id
        for side, levels in ((bids, event.bids), (asks, event.asks)):
            side.update(levels)
            for price in [price for price, size in side.items() if not size]:
                del side[price]
        word = sum(level_word(0, *one) for one in bids.items()) + sum(level_word(1, *one) for one in asks.items())
        assert word == market.books[update_id]
        assert max(bids) < min(asks)
    assert (bids, asks) == market.sides
    assert any(event.first_id != event.previous_id + 1 for event in events) == leaps


def test_prints_follow_each_other_and_quotes_are_the_top():
    market, told, _ = lived(leaps=False)
    prints = [one for one in told if isinstance(one, Print)]
    assert [one.id for one in prints] == list(market.prints) == list(range(prints[0].id, market.trade_id + 1))
    assert all(one.size > 0 and one.price > 0 for one in prints)
    quotes = [one for one in told if isinstance(one, Quote)]
    assert quotes[-1][1:5] == market.top
    assert all(one.ident in market.quotes and one.bid < one.ask for one in quotes)
    assert any(one.bid % 10 for one in quotes), "the tick became finer"


def test_a_batch_without_a_change_is_not_told():
    told = []
    market = SimMarket("AAAUSDT", leaps=False, chance=Chance(1, "market"), tell=told.append)
    market.batch(0)
    assert told == []

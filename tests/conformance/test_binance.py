"""Binance's wire machine against the conformance kit: spot and USD-M, on a market made from a seed."""

import pytest

from papertape.core.records import Kind
from papertape.data.wire.binance.machine import BinanceMachine
from papertape.data.wire.binance.rules import SPOT, USDM
from papertape.testing.conformance import CHECKS, Script, Subject, Told
from papertape.testing.world.chance import Chance
from papertape.testing.world.market import Depth, Print, Quote, SimMarket
from papertape.testing.world.texts import Texts

SYMBOL = "AAAUSDT"
BEATS = 300
FROM_NS = 1_700_000_000_000_000_000


def subject_of(rules):
    frames, told, losable, repeatable, events = [], [], [], [], []
    texts = Texts(usdm=rules is USDM)
    market = SimMarket(SYMBOL, leaps=rules is USDM, chance=Chance(11, "market"), tell=events.append)
    listing = texts.exchange_info([market], FROM_NS // 1_000_000)
    for beat in range(BEATS):
        ms = FROM_NS // 1_000_000 + 20 * beat
        market.beat(ms)
        if beat % 5 == 4:
            market.batch(ms)
        for event in events:
            frames.append((ms * 1_000_000, texts.frame(market, event, ms)[1]))
            if isinstance(event, Print):
                repeatable.append(len(frames) - 1)
                numbers = (texts.price(market, event.price), texts.size(market, event.size))
                told.append(Told(SYMBOL, Kind.PRINT, event.id, numbers))
            elif isinstance(event, Quote):
                price, size = texts.price, texts.size
                bid = (price(market, event.bid), size(market, event.bid_size))
                ask = (price(market, event.ask), size(market, event.ask_size))
                told.append(Told(SYMBOL, Kind.QUOTE, event.update_id, (*bid, *ask)))
            if not isinstance(event, Quote) and 40 < beat < BEATS - 30:
                losable.append((len(frames) - 1, type(event)))
        events.clear()
        if beat == 12:
            frames.append((ms * 1_000_000, texts.snapshot(market, 100, ms)))
    some = [place for place, kind in losable if kind is Print][:5] + [
        place for place, kind in losable if kind is Depth
    ][:5]

    def make(gate):
        machine = BinanceMachine(rules, {SYMBOL: 0}, gate)
        machine.list_from_exchange_info(FROM_NS, listing)
        return machine

    return Subject(make, (SYMBOL,), Script(frames, told, some, repeatable[3:8]))


SUBJECTS = {rules.venue: subject_of(rules) for rules in (SPOT, USDM)}


@pytest.mark.parametrize("venue", SUBJECTS)
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_binance_conforms(check, venue):
    check(SUBJECTS[venue])

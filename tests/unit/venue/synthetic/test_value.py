from papertape.core.draws import purpose_id
from papertape.venue.matching import BUY, SELL
from papertape.venue.synthetic.listings import LISTINGS
from papertape.venue.synthetic.value import Value
from papertape.venue.synthetic.volatility import LEVEL_ONE, Pulse

BITCOIN = LISTINGS[0]


def value() -> Value:
    return Value(7, purpose_id(BITCOIN.symbol), BITCOIN)


def test_it_opens_at_the_listed_price() -> None:
    assert value().price == BITCOIN.price << 16


def test_a_common_move_moves_it() -> None:
    up, down = value(), value()
    one_percent = 10_000_000 << 16
    up.pulse(Pulse(0, one_percent, LEVEL_ONE))
    down.pulse(Pulse(0, -one_percent, LEVEL_ONE))
    assert 1.019 < up.price / down.price < 1.021


def test_the_level_is_that_of_all_times_its_own() -> None:
    one, other = value(), value()
    one.pulse(Pulse(0, 0, LEVEL_ONE))
    other.pulse(Pulse(0, 0, 4 * LEVEL_ONE))
    assert abs(other.level - 4 * one.level) <= 4


def test_orders_that_are_expected_tell_little() -> None:
    one = value()
    pushes = []
    for _ in range(30):
        before = one.price
        one.push(BUY)
        pushes.append(one.price - before)
    assert pushes == sorted(pushes, reverse=True)
    assert pushes[-1] < pushes[0] / 10
    before = one.price
    one.push(SELL)
    assert before - one.price > 1.5 * pushes[0]

"""What things are worth: values, fees, equity. Exact integers, each rounded once, half to even."""

from papertape.core.fixed.kernels import mul_div
from papertape.core.fixed.rows import MANTISSA_MAX, Rounding
from papertape.core.jit import njit
from papertape.paper_trading.engine.rows import RATE_SCALE

_MAX = MANTISSA_MAX
_HALF_EVEN = int(Rounding.HALF_EVEN)
_RATE_UNIT = 10**RATE_SCALE


@njit
def value(inst, price, size):
    """(True, price x size x contract at eight decimals); (False, 0) when that leaves 64 bits. Neither is negative."""
    if price > _MAX // inst.value_times:
        return False, 0
    return mul_div(price * inst.value_times, size, inst.value_over, _HALF_EVEN)


@njit
def fee(amount, rate):
    """The fee on a value; a negative rate is a rebate. Rates are below one, so this always fits."""
    return mul_div(amount, rate, _RATE_UNIT, _HALF_EVEN)[1]


@njit
def capped(a, b):
    """A + b for an `a` of 0 or more, at most the largest int64; a negative `b` is a rebate."""
    return _MAX if b > 0 and a > _MAX - b else a + b


@njit
def plus(a, b):
    """A + b, at most the largest int64 and at least its opposite."""
    if b > 0:
        return _MAX if a > _MAX - b else a + b
    return -_MAX if a < -_MAX - b else a + b


@njit
def middle_value(inst, size):
    """Value of a size of 0 or more at the middle, at most the largest int64: a bad quote may say anything."""
    fits, amount = False, 0
    if inst.mid2 <= _MAX // inst.value_times:
        fits, amount = mul_div(inst.mid2 * inst.value_times, size, 2 * inst.value_over, _HALF_EVEN)
    return amount if fits else _MAX


@njit
def equity(state, account):
    """(Equity, value of all perpetual positions at the middle) of one account; values beyond 64 bits count as the largest."""
    total, exposed = state.accounts[account].cash, 0
    for i in range(state.instruments_used):
        position = state.positions[account, i]
        if position["size"] == 0:
            continue
        inst = state.instruments[i]
        size = abs(position["size"])
        worth = middle_value(inst, size) if inst.mid2 != 0 else abs(position.cost)
        if inst.is_spot:
            total = plus(total, worth)
        else:
            exposed = capped(exposed, worth)
            total = plus(plus(total, worth if position["size"] > 0 else -worth), -position.cost)
    return total, exposed

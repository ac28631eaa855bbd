"""A strategy that is compiled into the engine: one bid and one ask per symbol, kept at the best prices.

It is called with every record and sees the engine's own state, at once: there is no way back for a report, and nothing
checks what it does to that state but its author. A sample of how this is done, and of no way to earn money.

    papertape replay TAPE --strategy examples/compiled_quoter.py:CompiledQuoter
"""

from papertape.core.jit import njit
from papertape.core.records import Kind
from papertape.paper_trading.engine.kernels.desk import cancel, submit
from papertape.paper_trading.engine.kernels.orders import find
from papertape.paper_trading.engine.rows import NONE, OrderType, Side, TimeInForce
from papertape.paper_trading.strategy import Strategy

INSTRUMENTS_MAX = 16
"""Four words of memory for each, of the 64 that an account has."""
LOTS, LOTS_MAX = 10, 40
_QUOTE, _NONE = int(Kind.QUOTE), NONE
_BUY, _SELL = int(Side.BUY), int(Side.SELL)
_LIMIT, _POST_ONLY = int(OrderType.LIMIT), int(TimeInForce.POST_ONLY)


@njit
def act(state, account, record):
    """Look at both sides of the instrument that this quote is of."""
    instrument = int(record["instrument"])
    if record["kind"] != _QUOTE or instrument >= INSTRUMENTS_MAX:
        return
    inst = state.instruments[instrument]
    if not 0 < inst.bid < inst.ask:
        return
    size = max(inst.min_size, LOTS * inst.lot)
    held, most = state.positions[account, instrument]["size"], LOTS_MAX * inst.lot
    keep(state, account, instrument, _BUY, inst.bid, size if held + size <= most else 0)
    sellable = size if held >= size or (inst.is_spot == 0 and held - size >= -most) else 0
    keep(state, account, instrument, _SELL, inst.ask, sellable)


@njit
def keep(state, account, instrument, side, price, size):
    """See to it that an order of this side stands at this price; no second one while the first lives."""
    at = 4 * instrument + (0 if side == _BUY else 2)
    number, cancelled = state.memory[account, at], state.memory[account, at + 1]
    slot = find(state, account, number) if number != 0 else _NONE
    if slot == _NONE:
        if size != 0:
            state.memory[account, at] = submit(state, account, instrument, side, _LIMIT, _POST_ONLY, price, size)
    elif state.orders[slot].price != price and cancelled != number:
        state.memory[account, at + 1] = number
        cancel(state, account, number)


class CompiledQuoter(Strategy):
    """Names the function; a run has at most one strategy of this kind."""

    compiled = staticmethod(act)

"""What an account pays and how long its orders travel, per instrument."""

import msgspec


class Terms(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Terms of trading one instrument. Rates are mantissas at `RATE_SCALE` decimals, negative for a rebate."""

    maker_rate: int = 0
    taker_rate: int = 0
    latency_out_ns: int = 0
    """From sending an order to its arrival at the venue."""
    latency_jitter_ns: int = 0
    """At most so much comes on top, drawn evenly for each message."""
    latency_back_ns: int = 0
    """From an event at the venue to its owner's knowing of it."""
    whole_fills: bool = False
    """An order that can trade at all fills whole, at the best price: a setting for comparisons."""

"""Under which terms orders for an instrument are carried out."""

import msgspec


class Terms(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Fees and latency of one instrument. Rates are mantissas at `RATE_SCALE` decimals, negative for rebates."""

    maker_rate: int = 0
    taker_rate: int = 0
    latency_out_ns: int = 0
    """Shortest way of an order, cancel or amend to the venue."""
    latency_jitter_ns: int = 0
    """Longest delay beyond that; each order draws its own."""
    whole_fills: bool = False
    """Whether an order that can trade at all trades whole, as the comparison presets want it."""

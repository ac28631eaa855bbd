"""The market that both of hftbacktest's sides trade: no latency, no fees, the risk-averse queue, whole fills."""

from typing import Any

import numpy as np
from hftbacktest import BacktestAsset


def plain_asset(events: np.ndarray, tick: float, lot: float) -> Any:
    return (
        BacktestAsset()
        .data(events)
        .linear_asset(1.0)
        .constant_order_latency(0, 0)
        .risk_adverse_queue_model()
        .no_partial_fill_exchange()
        .trading_value_fee_model(0.0, 0.0)
        .tick_size(tick)
        .lot_size(lot)
    )

"""What a MetaTrader 5 terminal hands out: numpy layouts, records and constants, as the MetaTrader5 package 5.0.6231 has them.

Fields stand in the package's order, since its records are read by position as well. Times are the broker's wall clock,
written as if it were an epoch.
"""

from typing import Any, NamedTuple

import numpy as np

TICK_DTYPE = np.dtype(
    [
        ("time", "<i8"),
        ("bid", "<f8"),
        ("ask", "<f8"),
        ("last", "<f8"),
        ("volume", "<u8"),
        ("time_msc", "<i8"),
        ("flags", "<u4"),
        ("volume_real", "<f8"),
    ]
)
"""Rows of `copy_ticks_from` and `copy_ticks_range`: `time` in s, `time_msc` in ms."""

RATE_DTYPE = np.dtype(
    [
        ("time", "<i8"),
        ("open", "<f8"),
        ("high", "<f8"),
        ("low", "<f8"),
        ("close", "<f8"),
        ("tick_volume", "<u8"),
        ("spread", "<i4"),
        ("real_volume", "<u8"),
    ]
)
"""Rows of the `copy_rates` functions: `time` in s, `spread` in points. Prices are bids."""

COPY_TICKS_ALL = -1
COPY_TICKS_INFO = 1
COPY_TICKS_TRADE = 2

TICK_FLAG_BID = 2
TICK_FLAG_ASK = 4
TICK_FLAG_LAST = 8
TICK_FLAG_VOLUME = 16
TICK_FLAG_BUY = 32
TICK_FLAG_SELL = 64

TIMEFRAME_M1 = 1
TIMEFRAME_M2 = 2
TIMEFRAME_M3 = 3
TIMEFRAME_M4 = 4
TIMEFRAME_M5 = 5
TIMEFRAME_M6 = 6
TIMEFRAME_M10 = 10
TIMEFRAME_M12 = 12
TIMEFRAME_M15 = 15
TIMEFRAME_M20 = 20
TIMEFRAME_M30 = 30
TIMEFRAME_H1 = 16385
TIMEFRAME_H2 = 16386
TIMEFRAME_H3 = 16387
TIMEFRAME_H4 = 16388
TIMEFRAME_H6 = 16390
TIMEFRAME_H8 = 16392
TIMEFRAME_H12 = 16396
TIMEFRAME_D1 = 16408
TIMEFRAME_W1 = 32769
TIMEFRAME_MN1 = 49153

TIMEFRAME_MINUTES = {
    TIMEFRAME_M1: 1,
    TIMEFRAME_M2: 2,
    TIMEFRAME_M3: 3,
    TIMEFRAME_M4: 4,
    TIMEFRAME_M5: 5,
    TIMEFRAME_M6: 6,
    TIMEFRAME_M10: 10,
    TIMEFRAME_M12: 12,
    TIMEFRAME_M15: 15,
    TIMEFRAME_M20: 20,
    TIMEFRAME_M30: 30,
    TIMEFRAME_H1: 60,
    TIMEFRAME_H2: 120,
    TIMEFRAME_H3: 180,
    TIMEFRAME_H4: 240,
    TIMEFRAME_H6: 360,
    TIMEFRAME_H8: 480,
    TIMEFRAME_H12: 720,
    TIMEFRAME_D1: 1440,
}
"""Minutes of the timeframes up to a day."""

RES_S_OK = 1
RES_E_FAIL = -1
RES_E_INVALID_PARAMS = -2
RES_E_NO_MEMORY = -3
RES_E_NOT_FOUND = -4
RES_E_INVALID_VERSION = -5
RES_E_AUTH_FAILED = -6
RES_E_UNSUPPORTED = -7
RES_E_AUTO_TRADING_DISABLED = -8
RES_E_INTERNAL_FAIL = -10000
RES_E_INTERNAL_FAIL_SEND = -10001
RES_E_INTERNAL_FAIL_RECEIVE = -10002
RES_E_INTERNAL_FAIL_INIT = -10003
RES_E_INTERNAL_FAIL_CONNECT = -10004
RES_E_INTERNAL_FAIL_TIMEOUT = -10005

ERROR_TEXTS = {
    RES_S_OK: "Success",
    RES_E_FAIL: "Terminal: Call failed",
    RES_E_INVALID_PARAMS: "Invalid params",
    RES_E_NO_MEMORY: "No memory",
    RES_E_NOT_FOUND: "Terminal: Not found",
    RES_E_INVALID_VERSION: "Incompatible versions of the terminal and the module",
    RES_E_AUTH_FAILED: "Terminal: Authorization failed",
    RES_E_UNSUPPORTED: "Unsupported function",
    RES_E_AUTO_TRADING_DISABLED: "Auto-trading disabled",
    RES_E_INTERNAL_FAIL: "Internal IPC fail",
    RES_E_INTERNAL_FAIL_SEND: "IPC send failed",
    RES_E_INTERNAL_FAIL_RECEIVE: "IPC receive failed",
    RES_E_INTERNAL_FAIL_INIT: "IPC initialize failed",
    RES_E_INTERNAL_FAIL_CONNECT: "No IPC connection",
    RES_E_INTERNAL_FAIL_TIMEOUT: "IPC timeout",
}
"""Every code of `last_error`, with its text."""

ACCOUNT_MARGIN_MODE_RETAIL_HEDGING = 2
SYMBOL_TRADE_MODE_FULL = 4
SYMBOL_TRADE_EXECUTION_MARKET = 2
SYMBOL_SWAP_MODE_POINTS = 1
DAY_OF_WEEK_WEDNESDAY = 3
TRADE_RETCODE_TRADE_DISABLED = 10017


class Tick(NamedTuple):
    """The newest prices of a symbol."""

    time: int = 0
    bid: float = 0.0
    ask: float = 0.0
    last: float = 0.0
    volume: int = 0
    time_msc: int = 0
    flags: int = 0
    volume_real: float = 0.0


class AccountInfo(NamedTuple):
    """The account that the terminal is logged in to."""

    login: int = 1
    trade_mode: int = 0
    leverage: int = 500
    limit_orders: int = 200
    margin_so_mode: int = 0
    trade_allowed: bool = True
    trade_expert: bool = True
    margin_mode: int = ACCOUNT_MARGIN_MODE_RETAIL_HEDGING
    currency_digits: int = 2
    fifo_close: bool = False
    balance: float = 10_000.0
    credit: float = 0.0
    profit: float = 0.0
    equity: float = 10_000.0
    margin: float = 0.0
    margin_free: float = 10_000.0
    margin_level: float = 0.0
    margin_so_call: float = 100.0
    margin_so_so: float = 50.0
    margin_initial: float = 0.0
    margin_maintenance: float = 0.0
    assets: float = 0.0
    liabilities: float = 0.0
    commission_blocked: float = 0.0
    name: str = "Double"
    server: str = "Double-Demo"
    currency: str = "USD"
    company: str = "Double"


class TerminalInfo(NamedTuple):
    """The terminal."""

    community_account: bool = False
    community_connection: bool = False
    connected: bool = True
    dlls_allowed: bool = False
    trade_allowed: bool = False
    tradeapi_disabled: bool = True
    email_enabled: bool = False
    ftp_enabled: bool = False
    notifications_enabled: bool = False
    mqid: bool = False
    build: int = 5200
    maxbars: int = 100_000
    codepage: int = 0
    ping_last: int = 20_000
    community_balance: float = 0.0
    retransmission: float = 0.0
    company: str = "Double"
    name: str = "MetaTrader 5 double"
    language: str = "English"
    path: str = ""
    data_path: str = ""
    commondata_path: str = ""


class OrderSendResult(NamedTuple):
    """What became of an order."""

    retcode: int
    deal: int = 0
    order: int = 0
    volume: float = 0.0
    price: float = 0.0
    bid: float = 0.0
    ask: float = 0.0
    comment: str = ""
    request_id: int = 0
    retcode_external: int = 0
    request: Any = None


class SymbolInfo(NamedTuple):
    """A symbol: contract and trading conditions, session statistics, newest prices. Defaults are of a usual retail FX pair."""

    custom: bool = False
    chart_mode: int = 0
    select: bool = False
    visible: bool = False
    session_deals: int = 0
    session_buy_orders: int = 0
    session_sell_orders: int = 0
    volume: int = 0
    volumehigh: int = 0
    volumelow: int = 0
    time: int = 0
    digits: int = 5
    spread: int = 0
    spread_float: bool = True
    ticks_bookdepth: int = 0
    trade_calc_mode: int = 0
    trade_mode: int = SYMBOL_TRADE_MODE_FULL
    start_time: int = 0
    expiration_time: int = 0
    trade_stops_level: int = 0
    trade_freeze_level: int = 0
    trade_exemode: int = SYMBOL_TRADE_EXECUTION_MARKET
    swap_mode: int = SYMBOL_SWAP_MODE_POINTS
    swap_rollover3days: int = DAY_OF_WEEK_WEDNESDAY
    margin_hedged_use_leg: bool = False
    expiration_mode: int = 15
    filling_mode: int = 3
    order_mode: int = 127
    order_gtc_mode: int = 0
    option_mode: int = 0
    option_right: int = 0
    bid: float = 0.0
    bidhigh: float = 0.0
    bidlow: float = 0.0
    ask: float = 0.0
    askhigh: float = 0.0
    asklow: float = 0.0
    last: float = 0.0
    lasthigh: float = 0.0
    lastlow: float = 0.0
    volume_real: float = 0.0
    volumehigh_real: float = 0.0
    volumelow_real: float = 0.0
    option_strike: float = 0.0
    point: float = 0.00001
    trade_tick_value: float = 1.0
    trade_tick_value_profit: float = 1.0
    trade_tick_value_loss: float = 1.0
    trade_tick_size: float = 0.00001
    trade_contract_size: float = 100_000.0
    trade_accrued_interest: float = 0.0
    trade_face_value: float = 0.0
    trade_liquidity_rate: float = 0.0
    volume_min: float = 0.01
    volume_max: float = 100.0
    volume_step: float = 0.01
    volume_limit: float = 0.0
    swap_long: float = 0.0
    swap_short: float = 0.0
    margin_initial: float = 0.0
    margin_maintenance: float = 0.0
    session_volume: float = 0.0
    session_turnover: float = 0.0
    session_interest: float = 0.0
    session_buy_orders_volume: float = 0.0
    session_sell_orders_volume: float = 0.0
    session_open: float = 0.0
    session_close: float = 0.0
    session_aw: float = 0.0
    session_price_settlement: float = 0.0
    session_price_limit_min: float = 0.0
    session_price_limit_max: float = 0.0
    margin_hedged: float = 100_000.0
    price_change: float = 0.0
    price_volatility: float = 0.0
    price_theoretical: float = 0.0
    price_greeks_delta: float = 0.0
    price_greeks_theta: float = 0.0
    price_greeks_gamma: float = 0.0
    price_greeks_vega: float = 0.0
    price_greeks_rho: float = 0.0
    price_greeks_omega: float = 0.0
    price_sensitivity: float = 0.0
    basis: str = ""
    category: str = ""
    currency_base: str = ""
    currency_profit: str = ""
    currency_margin: str = ""
    bank: str = ""
    description: str = ""
    exchange: str = ""
    formula: str = ""
    isin: str = ""
    name: str = ""
    page: str = ""
    path: str = ""


def fx_pair(name: str) -> SymbolInfo:
    """A usual listing of an FX pair: three digits against the yen, else five; letters behind the sixth are a broker's suffix."""
    base, profit = name[:3], name[3:6]
    digits = 3 if profit == "JPY" else 5
    point = 10**-digits
    return SymbolInfo(
        name=name,
        digits=digits,
        point=point,
        trade_tick_size=point,
        currency_base=base,
        currency_profit=profit,
        currency_margin=base,
        description=f"{base} vs {profit}",
        path=f"Forex\\{name}",
    )

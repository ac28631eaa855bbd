"""What trading an instrument on margin costs: how margin is counted, what a position kept over night pays, commission.

Amounts are integers at `TERMS_SCALE` decimals; what a swap counts in is told by its mode.
"""

from enum import StrEnum

import msgspec

TERMS_SCALE = 8
"""Decimals of the amounts here."""


class MarginMode(StrEnum):
    """How the margin of an order is counted, in the margin currency; lots are the order's size."""

    FOREX = "forex"
    """lots * contract size / leverage"""
    FOREX_NO_LEVERAGE = "forex_no_leverage"
    """lots * contract size"""
    CFD = "cfd"
    """lots * contract size * price"""
    CFD_INDEX = "cfd_index"
    """lots * contract size * price * tick value / tick size"""
    CFD_LEVERAGE = "cfd_leverage"
    """lots * contract size * price / leverage"""


class SwapMode(StrEnum):
    """What a position pays or earns at the day's rollover, and in what its two rates count."""

    DISABLED = "disabled"
    POINTS = "points"
    """rate * point * contract size * lots, in the profit currency"""
    CURRENCY_SYMBOL = "currency_symbol"
    """rate * lots, in the base currency"""
    CURRENCY_MARGIN = "currency_margin"
    """rate * lots, in the margin currency"""
    CURRENCY_DEPOSIT = "currency_deposit"
    """rate * lots, in the account's currency"""
    INTEREST_CURRENT = "interest_current"
    """rate / 100 / 360 * price now * contract size * lots"""
    INTEREST_OPEN = "interest_open"
    """rate / 100 / 360 * opening price * contract size * lots"""
    REOPEN_CURRENT = "reopen_current"
    """the position is reopened at the closing price, moved by rate points"""
    REOPEN_BID = "reopen_bid"
    """the position is reopened at the bid, moved by rate points"""


class ContractTerms(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The terms of one instrument in one account. A value that the venue does not set is 0; commission that nobody told is None."""

    margin_mode: MarginMode
    margin_currency: str
    leverage: int
    margin_initial: int = 0
    """Margin of one lot to open; when set it stands for the contract size."""
    margin_maintenance: int = 0
    margin_hedged: int = 0
    """Contract size by which hedged volume is charged; 0: it is free."""
    margin_hedged_by_leg: bool = False
    """Hedged positions are charged by the larger leg."""
    swap_mode: SwapMode = SwapMode.DISABLED
    swap_long: int = 0
    swap_short: int = 0
    swap_triple_weekday: int = 2
    """The day whose rollover counts three times, Monday is 0."""
    deposit_currency: str = ""
    tick_value: int = 0
    """Worth of one tick of one lot, where margin counts by it."""
    commission: int | None = None
    """Commission of one lot and one side, in the deposit currency."""
    volume_limit: int = 0
    """Largest volume of open positions and orders in one direction, at the instrument's size scale."""
    stops_level: int = 0
    """Points that a stop must keep from the price."""
    freeze_level: int = 0
    """Points from the price within which an order cannot be changed."""

"""The exchangeInfo of a reel: its own where one stands inline, else one made from what the reel shows."""

from typing import Any

import msgspec

from papertape.venue.rules import VenueRules
from papertape.venue.scan import Grid, ReelFacts

_QUOTES = ("USDT", "USDC", "FDUSD", "TUSD", "BUSD", "USD1", "BTC", "ETH", "BNB", "EUR", "TRY", "BRL", "JPY", "USD")
_FAR_MS = 4_133_404_800_000
"""The delivery date that perpetual contracts carry: 2100-12-25 08:00 UTC."""


def exchange_info(facts: ReelFacts, rules: VenueRules, server_ms: int, symbol: str | None) -> dict[str, Any]:
    """The answer for one symbol or all, with the venue's time put in."""
    if facts.exchange_info:
        info: dict[str, Any] = msgspec.json.decode(facts.exchange_info)
    elif rules.name == "binance-spot":
        info = _made(rules, [_spot_symbol(name, grid, rules) for name, grid in facts.grids.items()])
    else:
        info = _made(rules, [_usdm_symbol(name, grid) for name, grid in facts.grids.items()])
    info["serverTime"] = server_ms
    if symbol is not None:
        info["symbols"] = [item for item in info["symbols"] if item["symbol"] == symbol]
    return info


def _made(rules: VenueRules, symbols: list[dict[str, Any]]) -> dict[str, Any]:
    weight = {
        "rateLimitType": "REQUEST_WEIGHT",
        "interval": "MINUTE",
        "intervalNum": 1,
        "limit": rules.weight_per_minute_max,
    }
    orders = {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": rules.orders_per_10_s_max}
    return {
        "timezone": "UTC",
        "serverTime": 0,
        "rateLimits": [weight, orders],
        "exchangeFilters": [],
        "symbols": symbols,
    }


def _spot_symbol(symbol: str, grid: Grid, rules: VenueRules) -> dict[str, Any]:
    base, quote = split_symbol(symbol)
    return {
        "symbol": symbol,
        "status": "TRADING",
        "baseAsset": base,
        "baseAssetPrecision": 8,
        "quoteAsset": quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET"],
        "icebergAllowed": False,
        "ocoAllowed": False,
        "otoAllowed": False,
        "opoAllowed": False,
        "quoteOrderQtyMarketAllowed": False,
        "allowTrailingStop": False,
        "cancelReplaceAllowed": False,
        "amendAllowed": False,
        "pegInstructionsAllowed": False,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": [
            *_grid_filters(grid, places=8),
            {
                "filterType": "NOTIONAL",
                "minNotional": _padded(grid.min_notional, 8),
                "applyMinToMarket": True,
                "maxNotional": "9000000.00000000",
                "applyMaxToMarket": False,
                "avgPriceMins": 5,
            },
            {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": rules.open_orders_max},
        ],
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
        "allowedSelfTradePreventionModes": ["EXPIRE_MAKER"],
    }


def _usdm_symbol(symbol: str, grid: Grid) -> dict[str, Any]:
    base, quote = split_symbol(symbol)
    return {
        "symbol": symbol,
        "pair": symbol,
        "contractType": "PERPETUAL",
        "deliveryDate": _FAR_MS,
        "onboardDate": 0,
        "status": "TRADING",
        "maintMarginPercent": "2.5000",
        "requiredMarginPercent": "5.0000",
        "baseAsset": base,
        "quoteAsset": quote,
        "marginAsset": quote,
        "pricePrecision": grid.price_decimals,
        "quantityPrecision": grid.size_decimals,
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "triggerProtect": "0.0500",
        "liquidationFee": "0.012500",
        "marketTakeBound": "0.05",
        "orderTypes": ["LIMIT", "MARKET", "STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET"],
        "timeInForce": ["GTC", "IOC", "FOK", "GTX"],
        "filters": [
            *_grid_filters(grid, places=0),
            {"filterType": "MAX_NUM_ORDERS", "limit": 200},
            {"filterType": "MIN_NOTIONAL", "notional": grid.min_notional},
            {"filterType": "PERCENT_PRICE", "multiplierUp": "1.05", "multiplierDown": "0.95", "multiplierDecimal": "4"},
        ],
    }


def _grid_filters(grid: Grid, places: int) -> list[dict[str, str]]:
    tick, step = _unit(grid.price_decimals, places), _unit(grid.size_decimals, places)
    return [
        {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": _padded("1000000", places), "tickSize": tick},
        {"filterType": "LOT_SIZE", "minQty": step, "maxQty": _padded("9000000", places), "stepSize": step},
        {"filterType": "MARKET_LOT_SIZE", "minQty": step, "maxQty": _padded("9000000", places), "stepSize": step},
    ]


def _unit(decimals: int, places: int) -> str:
    """The smallest step of so many decimals, written with at least `places` of them."""
    text = f"0.{'0' * (decimals - 1)}1" if decimals else "1"
    return _padded(text, places)


def _padded(text: str, places: int) -> str:
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals.ljust(places, '0')}" if decimals or places else whole


def split_symbol(symbol: str) -> tuple[str, str]:
    """Base and quote of a symbol by the quotes in use; an unknown one is split before its last three letters."""
    for quote in _QUOTES:
        if symbol.endswith(quote) and symbol != quote:
            return symbol[: -len(quote)], quote
    return symbol[:-3], symbol[-3:]

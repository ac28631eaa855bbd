"""What USD-M answers to questions about an account: balance, account, positions (version 3)."""

from typing import Any

from papertape.venue.exchange_info import split_symbol
from papertape.venue.orders.account import Account
from papertape.venue.orders.order import ClientOrder, amount_text
from papertape.venue.orders.usdm_clearing import Stand, UsdmClearing, available, position_of

Opened = list[ClientOrder]


def balance_rows(clearing: UsdmClearing, account: Account, opened: Opened) -> list[dict[str, Any]]:
    """As GET /fapi/v3/balance answers."""
    return [
        {
            "accountAlias": str(account.number),
            "asset": row["asset"],
            "balance": row["walletBalance"],
            "crossWalletBalance": row["crossWalletBalance"],
            "crossUnPnl": row["crossUnPnl"],
            "availableBalance": row["availableBalance"],
            "maxWithdrawAmount": row["maxWithdrawAmount"],
            "marginAvailable": True,
            "updateTime": row["updateTime"],
        }
        for row in account_row(clearing, account, opened)["assets"]
    ]


def account_row(clearing: UsdmClearing, account: Account, opened: Opened) -> dict[str, Any]:
    """As GET /fapi/v3/account answers. All symbols of the box have one quote asset, so its sums are those of the account."""
    stands = clearing.stands(account, opened)
    assets = [_asset_row(account, asset, stands) for asset in account.balances]
    positions = [
        {
            "symbol": symbol,
            "positionSide": "BOTH",
            "positionAmt": clearing.size_text(symbol, position_of(account, symbol).lots),
            "unrealizedProfit": amount_text(stand.unrealised),
            "isolatedMargin": "0",
            "notional": amount_text(stand.notional),
            "isolatedWallet": "0",
            "initialMargin": amount_text(stand.margin),
            "maintMargin": amount_text(stand.maintenance),
            "updateTime": position_of(account, symbol).updated_ms,
        }
        for symbol, stand in stands.items()
    ]
    totals = {
        "totalInitialMargin": sum(stand.margin for stand in stands.values()),
        "totalMaintMargin": sum(stand.maintenance for stand in stands.values()),
        "totalWalletBalance": sum(account.balance(asset).free for asset in account.balances),
        "totalUnrealizedProfit": sum(stand.unrealised for stand in stands.values()),
        "totalPositionInitialMargin": sum(stand.position_margin for stand in stands.values()),
        "totalOpenOrderInitialMargin": sum(stand.order_margin for stand in stands.values()),
    }
    totals |= {"totalMarginBalance": totals["totalWalletBalance"] + totals["totalUnrealizedProfit"]}
    totals |= {"totalCrossWalletBalance": totals["totalWalletBalance"]}
    totals |= {"totalCrossUnPnl": totals["totalUnrealizedProfit"]}
    left = max(0, totals["totalMarginBalance"] - totals["totalInitialMargin"])
    totals |= {"availableBalance": left, "maxWithdrawAmount": min(left, max(0, totals["totalWalletBalance"]))}
    return {name: amount_text(amount) for name, amount in totals.items()} | {"assets": assets, "positions": positions}


def position_rows(clearing: UsdmClearing, account: Account, opened: Opened, symbol: str | None) -> list[dict[str, Any]]:
    """As GET /fapi/v3/positionRisk answers: the symbols with a position or an open order. `liquidationPrice` is always 0."""
    rows = []
    for name, stand in clearing.stands(account, opened).items():
        if symbol in (None, name):
            position = position_of(account, name)
            row: dict[str, Any] = {"symbol": name, "positionSide": "BOTH"}
            row |= {"positionAmt": clearing.size_text(name, position.lots)}
            row |= {"entryPrice": clearing.entry_text(name, position), "markPrice": amount_text(clearing.mark(name))}
            row |= {"unRealizedProfit": amount_text(stand.unrealised), "liquidationPrice": "0", "isolatedMargin": "0"}
            row |= {"notional": amount_text(stand.notional), "marginAsset": split_symbol(name)[1]}
            row |= {"isolatedWallet": "0", "initialMargin": amount_text(stand.margin)}
            row |= {"maintMargin": amount_text(stand.maintenance)}
            row |= {"positionInitialMargin": amount_text(stand.position_margin)}
            row |= {"openOrderInitialMargin": amount_text(stand.order_margin), "adl": 0}
            rows.append(row | {"updateTime": position.updated_ms})
    return rows


def _asset_row(account: Account, asset: str, stands: dict[str, Stand]) -> dict[str, Any]:
    mine = [stand for symbol, stand in stands.items() if split_symbol(symbol)[1] == asset]
    wallet, unrealised = account.balance(asset).free, sum(stand.unrealised for stand in mine)
    left = max(0, available(account, asset, stands))
    amounts = {
        "walletBalance": wallet,
        "unrealizedProfit": unrealised,
        "marginBalance": wallet + unrealised,
        "maintMargin": sum(stand.maintenance for stand in mine),
        "initialMargin": sum(stand.margin for stand in mine),
        "positionInitialMargin": sum(stand.position_margin for stand in mine),
        "openOrderInitialMargin": sum(stand.order_margin for stand in mine),
        "crossWalletBalance": wallet,
        "crossUnPnl": unrealised,
        "availableBalance": left,
        "maxWithdrawAmount": min(left, max(0, wallet)),
    }
    texts: dict[str, Any] = {name: amount_text(amount) for name, amount in amounts.items()}
    return {"asset": asset} | texts | {"updateTime": account.updated_ms}

"""How much the synthetic market is like a market: the facts of docs/explanation/the-synthetic-market.md, as tables.

    python benchmarks/stylised_facts.py
    python benchmarks/stylised_facts.py --symbols ETHUSDT --seconds 345 --seed 1 2 3 4 5 6
    python benchmarks/stylised_facts.py --reel ethusdt_20240808.gz --tick 0.01

The first two measure synthetic markets, the last a reel of the real one, with the same functions.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from papertape.tape.reels import read_reel
from papertape.venue.synthetic.listings import first_symbols
from papertape.venue.synthetic.market import BEGIN_NS, SyntheticMarket

Numbers = NDArray[np.float64]
Told = tuple[int, str, dict[str, Any]]
"""Time in ns, kind of stream, payload."""

HORIZONS_S = (0.1, 1.0, 10.0, 60.0)
RETURN_LAGS, ABSOLUTE_LAGS, SIGN_LAGS = (1, 2, 5), (1, 2, 5, 10, 20, 50, 100), (1, 2, 5, 10, 20, 50)
WINDOWS_S = (0.01, 0.1, 1.0, 10.0)
DISTANCES_BP = (1, 2, 5, 10, 20, 50)
PROFILE_EVERY_NS = 10_000_000_000


class Market(NamedTuple):
    """One symbol over some time; times in seconds."""

    seconds: float
    quote_s: Numbers
    mid: Numbers
    spread_ticks: Numbers
    fill_s: Numbers
    fill_value: Numbers
    order_s: Numbers
    """Market orders: prints of one moment and side are one."""
    order_sign: Numbers
    updates: int
    profile: Numbers
    """Levels, then their value, within each of `DISTANCES_BP` of the mid on one side, on average."""


def observed(told: Iterable[Told], tick: float, profiles: list[Numbers]) -> Market:
    """What was told of one symbol, put into series."""
    quotes, fills, orders, updates = [], [], [], 0
    first_ns = last_ns = 0
    for at_ns, kind, data in told:
        first_ns, last_ns = first_ns or at_ns, at_ns
        if kind == "bookTicker":
            bid, ask = float(data["b"]), float(data["a"])
            quotes.append((at_ns, (bid + ask) / 2, round((ask - bid) / tick)))
        elif kind == "trade":
            sign = -1 if data["m"] else 1
            if not orders or orders[-1] != (data["T"], sign):
                orders.append((data["T"], sign))
            fills.append((at_ns, float(data["p"]) * float(data["q"])))
        elif kind == "depth":
            updates += data["u"] - data["U"] + 1
    quote, fill, order = (np.array(rows, dtype=np.float64) for rows in (quotes, fills, orders))
    return Market(
        (last_ns - first_ns) / 1e9,
        (quote[:, 0] - first_ns) / 1e9,
        quote[:, 1],
        quote[:, 2],
        (fill[:, 0] - first_ns) / 1e9,
        fill[:, 1],
        (order[:, 0] - order[0, 0]) / 1e3,
        order[:, 1],
        updates,
        np.mean(profiles, axis=0) if profiles else np.full((2, len(DISTANCES_BP)), np.nan),
    )


def profile_of(levels: Iterable[tuple[float, float]], mid: float) -> Numbers:
    """Levels of one side and their value within each distance."""
    rows = np.array(list(levels))
    distance_bp = np.abs(rows[:, 0] / mid - 1) * 1e4
    inside = [distance_bp <= limit for limit in DISTANCES_BP]
    return np.array([[near.sum() for near in inside], [(rows[:, 0] * rows[:, 1])[near].sum() for near in inside]])


def made(seed: int, symbols: tuple[str, ...], seconds: float) -> dict[str, Market]:
    """A synthetic market, all symbols of it."""
    market = SyntheticMarket(seed, symbols)
    told: dict[str, list[Told]] = {symbol: [] for symbol in symbols}
    profiles: dict[str, list[Numbers]] = {symbol: [] for symbol in symbols}
    end_ns, profile_ns = BEGIN_NS + int(seconds * 1e9), BEGIN_NS + PROFILE_EVERY_NS
    units = {one.symbol: (10.0**-one.price_scale, 10.0**-one.size_scale) for one in market.listings}
    while market.next_ns < end_ns:
        for ts_ns, stream, payload in market.advance():
            symbol, kind, *_ = stream.split("@")
            told[symbol.upper()].append((ts_ns, kind, msgspec.json.decode(payload)))
        if market.next_ns >= profile_ns:
            profile_ns += PROFILE_EVERY_NS
            for symbol, book in market.books.items():
                tick, lot = units[symbol]
                mid = (book.bids.top()[0] + book.asks.top()[0]) / 2 * tick
                for side in (book.bids, book.asks):
                    rows = ((price * tick, lots * lot) for price, lots in side.all_levels())
                    profiles[symbol].append(profile_of(rows, mid))
    return {name: observed(rows, units[name][0], profiles[name]) for name, rows in told.items()}


def recorded(reel: Path, tick: float) -> Market:
    """A reel of one symbol."""
    profiles: list[Numbers] = []

    def told() -> Iterator[Told]:
        for frame in read_reel([reel]):
            data = msgspec.json.decode(frame.payload)
            if "stream" in data:
                yield frame.ts_recv_ns, data["stream"].split("@")[1], data["data"]
            elif "bids" in data and not profiles:
                mid = (float(data["bids"][0][0]) + float(data["asks"][0][0])) / 2
                sides = ([(float(price), float(size)) for price, size in data[side]] for side in ("bids", "asks"))
                profiles.extend(profile_of(side, mid) for side in sides)

    return observed(told(), tick, profiles)


def returns(market: Market, horizon_s: float) -> Numbers:
    """Log returns of the mid, one after the other."""
    at = np.arange(market.quote_s[0], market.seconds, horizon_s)
    place = np.searchsorted(market.quote_s, at, side="right") - 1
    return np.diff(np.log(market.mid[place]))


def kurtosis(values: Numbers) -> float:
    """3 for a normal distribution."""
    return float(np.mean((values - values.mean()) ** 4) / values.var() ** 2)


def correlation(values: Numbers, lag: int) -> float:
    """Of a series with itself `lag` later; undefined with fewer than 100 pairs."""
    if len(values) < lag + 100:
        return float("nan")
    centred = values - values.mean()
    return float((centred[:-lag] * centred[lag:]).mean() / centred.var())


def fano(times_s: Numbers, window_s: float) -> float:
    """Variance of the counts per window, divided by their mean: 1 for arrivals that know nothing of each other."""
    counts = np.histogram(times_s, np.arange(times_s[0], times_s[-1], window_s))[0]
    return float(counts.var() / counts.mean())


def spread_shares(market: Market) -> tuple[float, float, float]:
    """The share of time with a spread of one tick, of up to ten, and of more."""
    lasting = np.diff(np.append(market.quote_s, market.seconds))
    one, ten = market.spread_ticks <= 1, market.spread_ticks <= 10
    shares = (lasting[one].sum(), lasting[ten & ~one].sum(), lasting[~ten].sum())
    return tuple(float(share / lasting.sum()) for share in shares)  # type: ignore[return-value]


def figures(market: Market) -> dict[str, list[float]]:
    """All facts of one symbol, by the heading of their table."""
    by_second = returns(market, 1.0)
    return {
        "quotes, prints, market orders, updates a second": [
            len(series) / market.seconds for series in (market.quote_s, market.fill_s, market.order_s)
        ]
        + [market.updates / market.seconds],
        f"deviation of returns over {HORIZONS_S} s, bp": [returns(market, h).std() * 1e4 for h in HORIZONS_S],
        f"kurtosis of returns over {HORIZONS_S} s": [
            kurtosis(returns(market, h)) if market.seconds / h > 25 else float("nan") for h in HORIZONS_S
        ],
        f"correlation of 1 s returns, lags {RETURN_LAGS}": [correlation(by_second, lag) for lag in RETURN_LAGS],
        f"of 0.1 s returns, lags {RETURN_LAGS}": [correlation(returns(market, 0.1), lag) for lag in RETURN_LAGS],
        f"of absolute 1 s returns, lags {ABSOLUTE_LAGS}": [correlation(abs(by_second), lag) for lag in ABSOLUTE_LAGS],
        "time with a spread of 1, 2 to 10, more ticks": list(spread_shares(market)),
        f"levels of a side within {DISTANCES_BP} bp": list(market.profile[0]),
        f"their value, thousands, within {DISTANCES_BP} bp": list(market.profile[1] / 1e3),
        f"correlation of the signs of market orders, lags {SIGN_LAGS}": [
            correlation(market.order_sign, lag) for lag in SIGN_LAGS
        ],
        f"Fano factor of market orders in {WINDOWS_S} s": [fano(market.order_s, window) for window in WINDOWS_S],
        f"Fano factor of prints in {WINDOWS_S} s": [fano(market.fill_s, window) for window in WINDOWS_S],
        "value of a print, quantiles 10, 50, 90, 99 %": list(np.quantile(market.fill_value, (0.1, 0.5, 0.9, 0.99))),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, nargs="+", default=[7])
    parser.add_argument("--symbols", nargs="+", default=first_symbols(5))
    parser.add_argument("--seconds", type=float, default=1800)
    parser.add_argument("--reel", type=Path)
    parser.add_argument("--tick", type=float, default=0.01, help="of the reel's symbol")
    asked = parser.parse_args()
    if asked.reel:
        markets = {asked.reel.name: recorded(asked.reel, asked.tick)}
    else:
        markets = {
            f"{name}, seed {seed}": market
            for seed in asked.seed
            for name, market in made(seed, tuple(asked.symbols), asked.seconds).items()
        }
    facts = {name: figures(market) for name, market in markets.items()}
    for heading in next(iter(facts.values())):
        sys.stdout.write(f"\n{heading}\n")
        for name, of in facts.items():
            sys.stdout.write(f"| {name} | {' | '.join(f'{value:.3g}' for value in of[heading])} |\n")
    if len(asked.symbols) > 1 and not asked.reel:
        series = np.array([returns(market, 1.0)[: int(asked.seconds) - 10] for market in markets.values()])
        sys.stdout.write("\ncorrelation of 1 s returns between the symbols\n")
        for name, row in zip(markets, np.corrcoef(series), strict=True):
            sys.stdout.write(f"| {name} | {' | '.join(f'{value:.2f}' for value in row)} |\n")


if __name__ == "__main__":
    main()

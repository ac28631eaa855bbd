"""The synthetic market: order flow made from a seed, on real order books, told as a venue tells it.

Nothing in here reads a clock: a market is a function of the seed and of the names of its symbols. What each symbol does
depends on the seed, its own name and the moves common to all, not on which others are traded beside it.
"""

"""The exchange in a box: a server that speaks the Binance protocol from a reel or a synthetic market.

It imports core and tape only: its own books are the ground truth that the connectors are checked against.
"""

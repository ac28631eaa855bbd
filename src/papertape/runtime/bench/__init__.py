"""`papertape bench`: how fast this machine takes market data. Inputs are made from counters, the same every time."""

"""papertape: listen to live markets, keep every tick on one tape, trade it on paper, judge the result honestly."""

__version__ = "0.1.0"

"""MetaTrader 5 without I/O: ticks and symbol values in, judged records out; recovery, broker time, sessions, the gateway's texts."""

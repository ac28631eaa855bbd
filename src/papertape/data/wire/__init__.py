"""Sans-I/O protocol machines: bytes or rows in, records and actions out. PURE."""

"""Market data: from the venue's socket or terminal to judged records (plan days 1 to 6)."""

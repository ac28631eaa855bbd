"""Returns, ratios, drawdowns, trades, costs (road step 6). PURE."""

"""Connectors: they hold the connections of one venue and feed its wire machine."""

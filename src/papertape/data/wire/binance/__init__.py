"""Binance: payloads, control protocol, local order book rules and the machine that joins them, spot and USD-M."""

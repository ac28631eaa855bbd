import math

import numpy as np

from papertape.venue import mt5_types as mt5


def test_layouts_have_the_packages_sizes_and_fields() -> None:
    assert mt5.TICK_DTYPE.itemsize == 60
    assert mt5.RATE_DTYPE.itemsize == 60
    assert mt5.TICK_DTYPE.names == ("time", "bid", "ask", "last", "volume", "time_msc", "flags", "volume_real")
    assert mt5.RATE_DTYPE["spread"] == np.dtype("<i4")


def test_records_have_the_packages_number_of_fields_in_its_order() -> None:
    assert mt5.Tick._fields == mt5.TICK_DTYPE.names
    counts = [len(kind._fields) for kind in (mt5.AccountInfo, mt5.TerminalInfo, mt5.SymbolInfo, mt5.OrderSendResult)]
    assert counts == [28, 22, 96, 11]
    fields = mt5.SymbolInfo._fields
    assert (fields[0], fields[11], fields[46], fields[-1]) == ("custom", "digits", "trade_tick_value_profit", "path")
    assert (mt5.AccountInfo._fields[7], mt5.AccountInfo._fields[-1]) == ("margin_mode", "company")


def test_every_error_has_a_text() -> None:
    codes = {value for name, value in vars(mt5).items() if name.startswith("RES_")}
    assert codes == set(mt5.ERROR_TEXTS)


def test_an_fx_pair_by_its_name() -> None:
    pair, yen = mt5.fx_pair("EURUSD.raw"), mt5.fx_pair("USDJPY")
    assert (pair.digits, pair.currency_base, pair.currency_profit, pair.name) == (5, "EUR", "USD", "EURUSD.raw")
    assert (yen.digits, yen.point, yen.currency_margin) == (3, 0.001, "USD")
    assert math.isclose(pair.point, 1e-5) and pair._asdict()["trade_contract_size"] == 100_000

from papertape.venue.mt5_faults import FOREVER, Mt5Faults


def test_a_fault_lasts_as_many_calls_as_it_was_given() -> None:
    faults = Mt5Faults()
    faults.fail(-3, calls=2)
    assert [faults.code_for("symbol_info") for _ in range(3)] == [-3, -3, 0]


def test_a_fault_of_one_function_spares_the_others() -> None:
    faults = Mt5Faults()
    faults.fail(-10005, call="copy_ticks_from")
    assert faults.code_for("symbol_info") == 0
    assert faults.code_for("copy_ticks_from") == -10005
    assert faults.code_for("copy_ticks_from") == 0


def test_a_terminal_that_is_gone_stays_so_until_it_runs_again() -> None:
    faults = Mt5Faults()
    faults.disconnect()
    assert [faults.code_for("initialize") for _ in range(3)] == [-10004] * 3
    faults.reconnect()
    assert faults.code_for("initialize") == 0


def test_history_loads_after_some_calls() -> None:
    faults = Mt5Faults()
    faults.load_history("A", rows=3, calls=2)
    assert [faults.rows_loaded("A") for _ in range(3)] == [3, 3, FOREVER]
    assert faults.rows_loaded("B") == FOREVER

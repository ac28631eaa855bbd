from papertape.paper_trading.engine.rows import LARGE, SMALL, state_dtype


def test_capacities_are_powers_of_two_for_the_tables_that_are_probed() -> None:
    for one in (SMALL, LARGE):
        assert one.orders & (one.orders - 1) == 0
        state = state_dtype(one)
        assert state["orders"].shape == (one.orders,)
        assert state["positions"].shape == (one.accounts, one.instruments)


def test_a_state_is_integers_alone() -> None:
    def kinds(dtype):
        if dtype.subdtype:
            return kinds(dtype.subdtype[0])
        return {dtype.str} if dtype.names is None else set().union(*(kinds(dtype[name]) for name in dtype.names))

    assert kinds(state_dtype(SMALL)) == {"<i8"}

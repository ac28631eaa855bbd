from papertape.core.draws import draw_bits
from papertape.venue.synthetic import tables
from papertape.venue.synthetic.tables import ONE, ROWS, Draws


def mean(table: tuple[int, ...]) -> float:
    return sum(table) / ROWS / ONE


def test_a_table_holds_the_quantiles_in_order() -> None:
    for table in (tables.EXPONENTIAL, tables.NORMAL, tables.DISTANCE, tables.LIFETIME, tables.SIZE, tables.TAKER_SIZE):
        assert len(table) == ROWS
        assert list(table) == sorted(table)


def test_means_are_those_of_the_distributions() -> None:
    assert 0.99 < mean(tables.EXPONENTIAL) < 1.01
    assert abs(mean(tables.NORMAL)) < 0.001
    assert 0.99 < sum(row * row for row in tables.NORMAL) / ROWS / ONE**2 < 1.01
    assert 0.9 < mean(tables.LIFETIME) < 1.1


def test_runs_are_whole_orders() -> None:
    assert min(tables.RUN) == 1
    assert max(tables.RUN) > 100


def test_decay_halves() -> None:
    assert tables.DECAY[0] == ONE
    assert tables.DECAY[32] == round(ONE / 2**0.5)


def test_draws_are_the_counted_ones_across_blocks() -> None:
    draws = Draws(7, 8, 9)
    assert [draws.bits() for _ in range(1030)] == [draw_bits(7, 8, 9, n) for n in range(1030)]

import hashlib
import itertools
from collections.abc import Callable

import numpy as np

from papertape.core.fixed import MANTISSA_MAX, Rounding, divide
from papertape.core.fixed.kernels import mul_div

INT64_MIN = -MANTISSA_MAX - 1
EDGES = [
    0,
    1,
    2,
    3,
    10**8 - 1,
    10**8,
    (1 << 31) - 1,
    1 << 31,
    (1 << 32) + 1,
    10**18,
    1 << 62,
    MANTISSA_MAX - 1,
    MANTISSA_MAX,
]
SIGNED = [*EDGES, *(-edge for edge in EDGES[1:]), INT64_MIN]


def results() -> list[tuple[bool, int]]:
    """`mul_div` of every combination of edges, as the numpy integers that kernels meet."""
    a, b, divisors = (np.array(values, np.int64) for values in (SIGNED, SIGNED, [*EDGES, -1]))
    return [
        (bool(ok), int(value))
        for x, y, divisor in itertools.product(a, b, divisors)
        for rounding in Rounding
        for ok, value in [mul_div(x, y, divisor, int(rounding))]
    ]


def expected(a: int, b: int, divisor: int, rounding: Rounding) -> tuple[bool, int]:
    if divisor <= 0 or INT64_MIN in (a, b):
        return False, 0
    value = divide(a * b, divisor, rounding)
    return (True, value) if abs(value) <= MANTISSA_MAX else (False, 0)


def digest() -> str:
    return hashlib.blake2b(repr(results()).encode(), digest_size=16).hexdigest()


def test_every_edge_is_exact_or_refused() -> None:
    wanted = [expected(*case) for case in itertools.product(SIGNED, SIGNED, [*EDGES, -1], Rounding)]
    assert results() == wanted
    assert {ok for ok, _ in wanted} == {True, False}


def test_interpreted_the_kernel_gives_the_same_without_a_warning(interpreted: Callable[[str, str], str]) -> None:
    assert interpreted(__file__, "digest") == digest()


def test_a_divisor_of_zero_is_refused() -> None:
    assert mul_div(1, 1, 0, int(Rounding.FLOOR)) == (False, 0)


def test_a_result_rounded_over_the_edge_is_refused() -> None:
    over = ((1 << 32) + 1, (1 << 32) - 1, 2)  # 2**63 - 1/2
    assert mul_div(*over, int(Rounding.FLOOR)) == (True, MANTISSA_MAX)
    assert mul_div(*over, int(Rounding.CEILING)) == (False, 0)
    under = (13 * 3889, 364_870_227_143_809, 2)  # 2**63 - 3/2
    assert mul_div(*under, int(Rounding.FLOOR)) == (True, MANTISSA_MAX - 1)
    assert mul_div(*under, int(Rounding.CEILING)) == (True, MANTISSA_MAX)

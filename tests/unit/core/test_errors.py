import re

import pytest

from papertape.core import errors
from papertape.core.errors import FinerThanScale, PapertapeError, TapeCorrupt

CLASSES = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, PapertapeError)]


def test_the_tree_in_the_docstring_is_the_tree_of_classes() -> None:
    lines = [line for line in (errors.__doc__ or "").splitlines() if re.search(r"[├└]──|^ {4}PapertapeError$", line)]
    parents: list[str] = []
    drawn = {}
    for line in lines:
        name = re.sub(r"[│├└─\s]", " ", line).split()[0]
        depth = line.index(name) // 4 - 1
        parents[depth:] = [name]
        drawn[name] = parents[depth - 1] if depth else "Exception"
    assert drawn == {error.__name__: error.__base__.__name__ for error in CLASSES if error.__base__}


@pytest.mark.parametrize("error", CLASSES)
def test_every_error_has_the_exit_code_drawn_beside_it(error: type[PapertapeError]) -> None:
    codes = {name: int(code) for name, code in re.findall(r"(\w+) .*exit (\d)$", errors.__doc__ or "", re.MULTILINE)}
    drawn = next((codes[base.__name__] for base in error.__mro__ if base.__name__ in codes), 1)
    assert error.exit_code == drawn


def test_errors_carry_what_a_handler_needs() -> None:
    assert FinerThanScale("finer", 3).decimals == 3
    corrupt = TapeCorrupt("flipped", seq=7, offset=448)
    assert (corrupt.seq, corrupt.offset, str(corrupt)) == (7, 448, "flipped")

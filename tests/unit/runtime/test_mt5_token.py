from pathlib import Path

import pytest

from papertape.core.errors import InputError
from papertape.runtime.mt5_token import read_token


def test_one_line_is_a_token(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("  0123456789abcdef\n")
    assert read_token(str(tmp_path / "token")) == "0123456789abcdef"


@pytest.mark.parametrize("text", ["", "short", "0123456789abcdef\nsecond line", "0123456789abcdeé"])
def test_what_is_none_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "token").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="at least 16"):
        read_token(str(tmp_path / "token"))


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_token(str(tmp_path / "token"))

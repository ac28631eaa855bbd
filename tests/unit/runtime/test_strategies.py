from decimal import Decimal
from pathlib import Path

import pytest

from papertape.core.errors import InputError
from papertape.runtime.strategies import load_strategy

FILE = '''
from decimal import Decimal

from papertape.paper_trading.strategy import Strategy


class Plain(Strategy):
    """Takes nothing."""


class Tuned(Strategy):
    def __init__(self, symbol: str, fast: int = 5, share: Decimal = Decimal("0.1")) -> None:
        if fast < 0:
            raise ValueError("fast below 0")
        self.symbol, self.fast, self.share = symbol, fast, share


class Other:
    """No strategy."""
'''


@pytest.fixture
def folder(tmp_path: Path, monkeypatch) -> Path:
    (tmp_path / "mine.py").write_text(FILE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_class_of_a_file_is_made(folder):
    for name in ("mine.py:Plain", f"{folder}/mine.py:Plain"):
        assert type(load_strategy(name)).__name__ == "Plain"
    assert load_strategy("mine.py:Plain") is not load_strategy("mine.py:Plain")


def test_class_of_a_module_is_made():
    assert type(load_strategy("papertape.paper_trading.strategy:Strategy")).__name__ == "Strategy"


def test_files_of_the_same_name_are_two_modules(folder):
    (folder / "sub").mkdir()
    (folder / "sub" / "mine.py").write_text(FILE.replace("Plain", "Second"), encoding="utf-8")
    load_strategy("mine.py:Plain")
    assert type(load_strategy("sub/mine.py:Second")).__name__ == "Second"


def test_a_file_may_import_what_lies_beside_it(folder):
    (folder / "sub").mkdir()
    (folder / "sub" / "helping_numbers.py").write_text("ANSWER = 42\n", encoding="utf-8")
    text = "from helping_numbers import ANSWER\n" + FILE.replace("Takes nothing.", "{ANSWER}")
    (folder / "sub" / "uses.py").write_text(text, encoding="utf-8")
    assert type(load_strategy("sub/uses.py:Plain")).__name__ == "Plain"


def test_settings_are_whole_numbers_decimals_and_text(folder):
    made = load_strategy("mine.py:Tuned?symbol=ETHUSDT&fast=7&share=0.25")
    assert vars(made) == {"symbol": "ETHUSDT", "fast": 7, "share": Decimal("0.25")}
    assert type(vars(made)["fast"]) is int
    assert vars(load_strategy("mine.py:Tuned?symbol=nan"))["symbol"] == "nan"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mine.py", "expected a strategy as module:Class or file.py:Class"),
        (":Plain", "expected a strategy as"),
        ("mine.py:", "expected a strategy as"),
        ("absent.py:Plain", r"absent.py, which is not there; .* holds mine.py"),
        ("absent_module:Plain", "expected a module that can be imported.* was 'absent_module'"),
        ("mine.py:Absent", "was Absent, which is not there; its strategies are Plain, Tuned"),
        ("mine.py:Other", "was Other, which is no Strategy; its strategies are Plain, Tuned"),
        ("papertape.core.errors:DataError", "no Strategy; it has none"),
        ("mine.py:Plain?fast=5", r"expected settings \(none\), was fast=5"),
        ("mine.py:Tuned", r"expected settings symbol, fast=5, share=0.1, was none: .*symbol"),
        ("mine.py:Tuned?symbol=A&slow=5", "slow"),
        ("mine.py:Tuned?symbol", "expected settings such as"),
        ("mine.py:Tuned?symbol=A&symbol=B", "each setting once"),
        ("mine.py:Tuned?symbol=A&fast=-1", "cannot be made: ValueError: fast below 0"),
    ],
)
def test_what_is_wrong_is_said(folder, name, message):
    with pytest.raises(InputError, match=message) as caught:
        load_strategy(name)
    assert caught.value.exit_code == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def (", "cannot be imported: SyntaxError"),
        ("1 / 0", "cannot be imported: ZeroDivisionError"),
        ("raise SystemExit(0)", "cannot be imported: SystemExit"),
        ("import absent_helper", "needs a module that is not there: absent_helper"),
    ],
)
def test_file_that_cannot_be_imported_is_named(folder, text, message):
    (folder / "bad.py").write_text(text, encoding="utf-8")
    for _ in range(2):
        with pytest.raises(InputError, match=message):
            load_strategy("bad.py:Plain")

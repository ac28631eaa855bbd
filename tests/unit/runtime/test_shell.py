import pytest

from papertape.core.book.compiled import CompiledMarket
from papertape.runtime.shell import Shell


def test_it_speaks_on_standard_error_only(capsys: pytest.CaptureFixture[str]) -> None:
    shell = Shell()
    shell.say("a line")
    with shell.progress("replaying", 10) as advance:
        advance(3)
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "a line\n")


def test_the_compiled_market_is_empty_and_ready() -> None:
    market = Shell().compiled_market()
    assert isinstance(market, CompiledMarket)
    assert market.counts().records == 0

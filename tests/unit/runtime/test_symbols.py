"""What a search refuses before it asks anybody; searches over sockets stand in tests/integration/test_record_sources.py."""

from pathlib import Path

import pytest

from papertape.core.errors import ConfigError, VenueError
from papertape.core.source_actions import SymbolsSearch
from papertape.runtime.shell import Shell
from papertape.runtime.symbols import search


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAPERTAPE_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)


def test_a_source_that_nobody_knows_is_told_with_those_there_are() -> None:
    with pytest.raises(
        ConfigError, match=r"expected a source \(binance, .*mt5, ccxt:ID\) or a venue plug-in, was 'nowhere'"
    ):
        search(SymbolsSearch(text="btc", source=["nowhere"]), Shell())


def test_a_source_that_does_not_answer_is_an_error_of_the_venue(tmp_path: Path) -> None:
    (tmp_path / "papertape.toml").write_text(
        '[real_time.servers.gone]\nspeaks = "binance-spot"\n'
        'ws_urls = ["ws://127.0.0.1:9"]\nrest_url = "http://127.0.0.1:9"\n'
    )
    with pytest.raises(VenueError, match="127.0.0.1:9"):
        search(SymbolsSearch(text="btc", source=["server:gone"]), Shell())

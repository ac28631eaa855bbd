"""The market of `paper` put together; trading on it stands in tests/integration/test_paper.py and test_record_plug_in.py."""

from pathlib import Path

import pytest

from papertape.core.records import Kind
from papertape.runtime.config import Config
from papertape.runtime.live_source import source_of
from papertape.runtime.paper_market import binance_market, plugged_market
from papertape.tape.market_reader import MarketReader
from tests.toy_server import TOY_FILE, served


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAPERTAPE_HOME", str(tmp_path))


def note(event: str, **facts: object) -> None:
    """Nothing is looked at."""


async def test_a_plug_in_is_fed_and_counted(tmp_path: Path) -> None:
    async with (
        served() as (_, url),
        plugged_market(TOY_FILE, ("ABC",), url, Config(), tmp_path / "tape", note) as market,
    ):
        assert (market.name, market.servers, market.feed.unit) == ("toy", [url], "batches")
        assert not market.feed.connected()
        assert await market.listen(3) is False
        market.end()
        assert market.feed.connected()
        assert (market.reconnects(), market.feed.taken() > 0) == (0, True)
    kinds = [int(kind) for batch in MarketReader.open(tmp_path / "tape").blocks() for kind in batch.records["kind"]]
    assert kinds.count(Kind.PRINT) == 3


async def test_a_binance_market_has_its_servers(tmp_path: Path) -> None:
    source = source_of(
        "binance-spot", ["BTCUSDT"], ["ws://127.0.0.1:9"], "http://127.0.0.1:9", Config().real_time.crypto
    )
    async with binance_market(source, None, tmp_path / "tape", note) as market:
        assert (market.name, market.servers, market.feed.unit) == ("binance-spot", ("ws://127.0.0.1:9",), "frames")
        assert not market.feed.connected()
        assert market.reconnects() == 0
        market.end()

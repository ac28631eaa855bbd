"""What a box refuses to start with."""

import re
from pathlib import Path

import pytest

from papertape.core.errors import InputError, UnknownInstrument
from papertape.venue.server import running_market, running_venue


@pytest.fixture
def reel(tmp_path: Path) -> Path:
    path = tmp_path / "a.reel"
    data = '{"E":1700000000000,"t":1,"p":"1.0","q":"1","T":1700000000000,"m":true}'
    path.write_text(f'1700000000000000 {{"stream":"abcusdt@trade","data":{data}}}\n')
    return path


async def test_where_it_listens(reel: Path) -> None:
    async with running_venue([reel], "binance-spot", "ABCUSDT") as box:
        assert box.port > 0
        assert box.ws_url == f"ws://127.0.0.1:{box.port}"
        assert box.rest_url == f"http://127.0.0.1:{box.port}"
        assert not box.done.is_set()


async def test_a_port_in_use_is_named(reel: Path) -> None:
    async with running_venue([reel], "binance-spot", "ABCUSDT") as box:
        with pytest.raises(InputError, match=f"127.0.0.1:{box.port}: .*choose another port"):
            async with running_venue([reel], "binance-spot", "ABCUSDT", port=box.port):
                pass


async def test_unknown_symbol(reel: Path) -> None:
    with pytest.raises(UnknownInstrument, match="expected frames of XYZUSDT, was ABCUSDT"):
        async with running_venue([reel], "binance-spot", "XYZUSDT"):
            pass


async def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nothing\.gz cannot be read"):
        async with running_venue([tmp_path / "nothing.gz"], "binance-spot", "XYZUSDT"):
            pass


@pytest.mark.parametrize("host", ["0.0.0.0", "example.org", ""])
async def test_only_loopback(reel: Path, host: str) -> None:
    with pytest.raises(InputError, match=re.escape(f"loopback address such as 127.0.0.1, was {host}")):
        async with running_venue([reel], "binance-spot", "ABCUSDT", host=host):
            pass


@pytest.mark.parametrize("speed", [-1.0, float("nan"), float("inf")])
async def test_speed(reel: Path, speed: float) -> None:
    with pytest.raises(InputError, match="speed"):
        async with running_venue([reel], "binance-spot", "ABCUSDT", speed=speed):
            pass


async def test_an_error_of_the_block_comes_out_as_it_is(reel: Path) -> None:
    with pytest.raises(KeyError, match="mine"):
        async with running_venue([reel], "binance-spot", "ABCUSDT"):
            raise KeyError("mine")


async def test_a_market_waits_for_somebody() -> None:
    async with running_market(7, ("BTCUSDT",)) as box:
        assert box.ws_url == f"ws://127.0.0.1:{box.port}"
        assert not box.market_began.is_set()
        assert not box.done.is_set()


async def test_a_market_of_symbols_that_are_not_listed() -> None:
    with pytest.raises(InputError, match="was XYZUSDT"):
        async with running_market(7, ("XYZUSDT",)):
            pass

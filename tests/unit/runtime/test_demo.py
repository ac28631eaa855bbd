import pytest

from papertape.core.actions import Demo
from papertape.core.errors import InputError, UsageError
from papertape.runtime.demo import run
from papertape.runtime.shell import Shell


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("PAPERTAPE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.mark.parametrize(
    "request_",
    [
        Demo(reel=["a.gz"]),
        Demo(reel=["a.gz"], venue="binance-spot"),
        Demo(venue="binance-spot"),
        Demo(symbol="BTCUSDT"),
    ],
)
def test_reels_come_with_venue_and_symbol_and_only_then(request_, home):
    with pytest.raises(UsageError, match="--venue and --symbol"):
        run(request_, Shell())
    assert not home.exists()


def test_a_reel_that_is_not_there_is_told(tmp_path):
    missing = str(tmp_path / "missing.gz")
    with pytest.raises(InputError, match=r"missing\.gz"):
        run(Demo(reel=[missing], venue="binance-spot", symbol="BTCUSDT"), Shell())


def test_a_second_of_a_made_market_comes_back_the_same(home):
    outcome = run(Demo(seconds=1, seed=3), Shell())
    result = outcome.response
    assert (outcome.exit_code, result.same, result.verified, result.seed) == (0, True, True, 3)
    assert result.prints > 0
    assert result.book_mismatches == 0
    assert result.tape == str(home / "demo" / "0001")

from pathlib import Path

import pytest

from papertape.core.actions import Demo
from papertape.core.errors import InputError, UsageError
from papertape.runtime.demo import STRATEGIES, SYMBOLS, run
from papertape.runtime.runs import read_run
from papertape.runtime.shell import Shell
from tests.made_tape import SYMBOL, made_market


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
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
def test_reels_come_with_venue_and_symbol_and_only_then(request_: Demo, home: Path) -> None:
    with pytest.raises(UsageError, match="--venue and --symbol"):
        run(request_, Shell())
    assert not home.exists()


def test_a_reel_that_is_not_there_is_told(tmp_path: Path) -> None:
    missing = str(tmp_path / "missing.gz")
    with pytest.raises(InputError, match=r"missing\.gz"):
        run(Demo(reel=[missing], venue="binance-spot", symbol="BTCUSDT"), Shell())


def test_three_seconds_of_a_made_market_are_traded_and_come_back_the_same(home: Path) -> None:
    outcome = run(Demo(seconds=3, seed=3), Shell())
    result = outcome.response
    assert (outcome.exit_code, result.same, result.verified, result.difference) == (0, True, True, None)
    assert (result.seed, result.symbols) == (3, list(SYMBOLS))
    assert result.prints > 0
    assert result.orders > 0
    assert result.book_mismatches == 0
    assert [one.id for one in result.accounts] == [name.lower() for name in STRATEGIES]
    assert result.fills == sum(one.fills for one in result.accounts)
    assert (result.tape, result.run) == (str(home / "demo" / "0001"), "0001")
    plan, recorded, _ = read_run(Path(result.tape), result.run)
    assert plan.seed == 3
    assert len([one for one in recorded.inputs if one[1] == "command"]) >= result.orders


def test_a_reel_that_ends_ends_the_demo(tmp_path: Path) -> None:
    made_market(tmp_path, 2)
    request = Demo(reel=[str(tmp_path / "made.reel")], venue="binance-spot", symbol=SYMBOL, seconds=600)
    outcome = run(request, Shell())
    assert (outcome.exit_code, outcome.response.same, outcome.response.seed) == (0, True, None)
    assert outcome.response.symbols == [SYMBOL]

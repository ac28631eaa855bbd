"""`papertape replay --orders`: orders from a file on a market made from a seed, as tape and as reel."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from papertape.core.records import RecordBuffer
from papertape.data.connectors.reel_connector import ReelConnector
from papertape.data.quality.gate import Gate
from papertape.data.wire.binance.machine import BinanceMachine
from papertape.data.wire.binance.rules import SPOT
from papertape.tape.market_writer import MarketWriter
from papertape.venue.synthetic.market import BEGIN_NS
from papertape.venue.synthetic.reels import write_synthetic_reel
from tests.integration.commands import Said, here

HEADER = "ts_ns,account,side,type,price,size,tif,cancel_ts_ns"
SECONDS = 20
SYMBOL = "BTCUSDT"


def at(seconds: float) -> int:
    return BEGIN_NS + int(seconds * 1e9)


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `made.reel` and the tape of it."""
    folder = tmp_path_factory.mktemp("market")
    write_synthetic_reel(folder / "made.reel", 5, SYMBOL, SECONDS)
    machine = BinanceMachine(SPOT, {SYMBOL: 0}, Gate(RecordBuffer()))
    with MarketWriter.open(folder / "tape") as writer:
        for data in ReelConnector(machine, [folder / "made.reel"]).batches():
            writer.append(data)
    return folder


def orders_file(folder: Path, lines: Sequence[str], header: str = HEADER) -> Path:
    file = folder / "orders.csv"
    file.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return file


LINES = [
    f"{at(15)},late,sell,market,,0.5,,",
    f"{at(3)},first,buy,market,,0.01,,",
    f"{at(3)},first,buy,limit,bid-500000t,0.02,gtc,{at(6)}",
    f"{at(4)},first,sell,limit,bid,0.01,ioc,",
    f"{at(5)},maker,buy,limit,bid-100000t,0.01,post_only,",
    f"{at(5)},maker,buy,limit,ask+5t,0.01,post_only,",
    f"{at(5)},maker,buy,limit,64000.001,0.01,,",
    f"{at(5)},maker,buy,stop,ask+1000000t,0.01,,",
    f"{at(-5)},early,buy,limit,bid,0.01,,",
    f"{at(0)},early,buy,limit,1000,0.01,,",
    f"{at(10_000)},late,buy,market,,0.01,,",
    f"{at(7)},rich,buy,market,,1000000,,",
    f"{at(8)},maker,buy,limit,ask+3t,0.2,fok,",
]
EXPECTED = [
    ("rejected", "no_holding"),
    ("filled", ""),
    ("expired", "by_request"),
    ("filled", ""),
    ("open", ""),
    ("expired", "would_take"),
    ("rejected", "not_on_tick"),
    ("open", ""),
    ("rejected", "no_market"),
    ("open", ""),
    ("rejected", "not_sent"),
    ("rejected", "no_balance"),
]


def replay(capsys: pytest.CaptureFixture[str], *arguments: object) -> Said:
    return here(capsys, "replay", *map(str, arguments))


def fills_of(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_every_order_has_its_line(market: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    orders, fills = orders_file(tmp_path, LINES), tmp_path / "fills.csv"
    said = replay(
        capsys, market / "tape", "--orders", orders, "--fills", fills, "--cash", "5000", "--models", "frictionless"
    )
    assert said.code == 0, said.err
    rows = fills_of(fills)
    assert [int(row["row"]) for row in rows] == list(range(1, len(LINES) + 1))
    assert [(row["status"], row["reason"]) for row in rows[: len(EXPECTED)]] == EXPECTED
    assert (rows[1]["ts_ns"], rows[1]["exec_qty"]) == (str(at(3)), "0.01")
    assert 60_000 < float(rows[1]["exec_price"]) < 70_000
    assert (rows[2]["ts_ns"], rows[2]["exec_qty"], rows[2]["exec_price"]) == (str(at(6)), "0", "")
    assert int(rows[4]["ts_ns"]) > at(SECONDS - 1), "an open order has the time at which the market ends"
    answer = said.json
    assert [one["id"] for one in answer["accounts"]] == ["late", "first", "maker", "early", "rich"]
    assert answer["accounts"][1]["fills"] >= 2
    assert answer["orders"] == len(LINES) - 2, "two were never sent"


def test_a_reel_and_its_tape_fill_alike_with_latency(
    market: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    orders = orders_file(tmp_path, LINES)
    hashes, files = [], []
    for name, source in (
        ("tape", [market / "tape"]),
        ("reel", ["--reel", market / "made.reel", "--venue", "binance-spot", "--symbol", SYMBOL]),
    ):
        said = replay(capsys, *source, "--orders", orders, "--fills", tmp_path / name, "--seed", "3")
        assert said.code == 0, said.err
        hashes.append(said.json["state_hash"])
        files.append((tmp_path / name).read_bytes())
    assert hashes[0] == hashes[1]
    assert files[0] == files[1]
    assert int(fills_of(tmp_path / "tape")[1]["ts_ns"]) > at(3), "the order was on its way for a while"


def test_a_large_order_takes_more_than_one_level(
    market: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    orders, fills = orders_file(tmp_path, [f"{at(9)},one,buy,market,,500,,"]), tmp_path / "fills.csv"
    arguments = ("--orders", orders, "--fills", fills, "--cash", "90000000", "--models", "frictionless")
    said = replay(capsys, market / "tape", *arguments)
    row = fills_of(fills)[0]
    assert (said.code, row["status"]) in ((0, "filled"), (0, "partial"))
    account: dict[str, Any] = said.json["accounts"][0]
    assert account["fills"] > 1
    spent = 90_000_000 - float(account["cash"])
    assert spent == pytest.approx(float(row["exec_qty"]) * float(row["exec_price"]), rel=1e-7)


def test_a_saved_run_comes_out_again(market: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = replay(capsys, market / "tape", "--orders", orders_file(tmp_path, LINES), "--save")
    assert said.code == 0, said.err
    again = replay(capsys, market / "tape" / "runs" / said.json["run"])
    assert (again.code, again.json["difference"]) == (0, None), again.err
    assert again.json["state_hash"] == said.json["state_hash"]


@pytest.mark.parametrize(
    ("line", "place", "expected"),
    [
        ("soon,a,buy,market,,1,,", "line 3, ts_ns", "a time in nanoseconds"),
        ("99999999999999999999,a,buy,market,,1,,", "line 3, ts_ns", "a time in nanoseconds"),
        ("1,,buy,market,,1,,", "line 3, account", "a name"),
        ("1,a,long,market,,1,,", "line 3, side", "one of buy, sell"),
        ("1,a,buy,iceberg,,1,,", "line 3, type", "one of market, limit, stop"),
        ("1,a,buy,market,5,1,,", "line 3, price", "nothing for a market order"),
        ("1,a,buy,limit,,1,,", "line 3, price", "a decimal number above 0"),
        ("1,a,buy,limit,mid,1,,", "line 3, price", "bid-2t"),
        ("1,a,buy,limit,bid-2,1,,", "line 3, price", "bid-2t"),
        ("1,a,buy,limit,1e3,1,,", "line 3, price", "a decimal number above 0"),
        ("1,a,buy,limit,10,-1,,", "line 3, size", "above 0"),
        ("1,a,buy,limit,10,0.0,,", "line 3, size", "above 0"),
        ("1,a,buy,limit,10,1,day,", "line 3, tif", "one of gtc, ioc, fok, post_only"),
        ("1,a,buy,market,,1,post_only,", "line 3, tif", "gtc, ioc or nothing"),
        ("5,a,buy,limit,10,1,,5", "line 3, cancel_ts_ns", "a time after ts_ns 5"),
        ("1,a,buy,limit,10,1,", "line 3", "8 cells, was 7"),
        ('1,a,buy,limit,10,1,,"', "", "no CSV file"),
    ],
)
def test_a_bad_line_is_told_before_anything_runs(
    tmp_path: Path, market: Path, capsys: pytest.CaptureFixture[str], line: str, place: str, expected: str
) -> None:
    orders = orders_file(tmp_path, ["1,a,buy,limit,bid+1t,1,,", line])
    fills = tmp_path / "fills.csv"
    said = replay(capsys, market / "tape", "--orders", orders, "--fills", fills)
    assert (said.code, said.out) == (3, "")
    assert str(orders) in said.error
    assert place in said.error
    assert expected in said.error
    assert not fills.exists()


@pytest.mark.parametrize(
    ("header", "lines", "expected"),
    [
        ("ts_ns,account,side,type,price", [], "a column size"),
        (HEADER + ",colour", [], "was 'colour'"),
        (HEADER + ",size", [], "was 'size'"),
        (HEADER, [], "at least one order"),
        (HEADER + ",symbol", ["1,a,buy,market,,1,,,DOGEUSDT"], f"line 2, symbol: expected one of {SYMBOL}"),
        (HEADER, [f"1,a{number},buy,market,,1,," for number in range(65)], "line 66, account: expected at most 64"),
    ],
)
def test_a_file_that_cannot_be_meant_is_told(
    tmp_path: Path, market: Path, capsys: pytest.CaptureFixture[str], header: str, lines: list[str], expected: str
) -> None:
    said = replay(capsys, market / "tape", "--orders", orders_file(tmp_path, lines, header))
    assert said.code == 3
    assert expected in said.error


def test_options_that_do_not_go_together(market: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tape, orders = market / "tape", orders_file(tmp_path, LINES)
    assert replay(capsys, tape, "--fills", tmp_path / "x").code == 2
    assert replay(capsys, tape, "--orders", orders, "--fills", orders).code == 2
    assert replay(capsys, tape, "--orders", orders, "--strategy", "a:B").code == 2
    reel = ("--reel", market / "made.reel", "--venue", "binance-spot", "--symbol", SYMBOL)
    assert replay(capsys, *reel, "--orders", orders, "--save").code == 2
    assert replay(capsys, tape, "--orders", tmp_path / "none.csv").code == 3
    assert replay(capsys, tape, "--orders", orders, "--fills", tmp_path / "no" / "x").code == 5
    assert replay(capsys, tape, "--orders", orders, "--models", "hftbacktest-logprob").code == 3
    assert replay(capsys, tape, "--orders", orders, "--cash", "much").code == 3
    assert json.loads(replay(capsys, tape, "--orders", orders).out)["orders"]

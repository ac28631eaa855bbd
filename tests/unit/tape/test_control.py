import subprocess
import sys

import pytest

from papertape.core.errors import InputError, StoreError, TapeCorrupt, TapeLocked
from papertape.tape.control import RUN_STARTED, RunReader, RunWriter, list_runs
from papertape.tape.control_layout import ControlRecord
from papertape.tape.market_writer import MarketWriter
from papertape.tape.verify import verify_tape


def no_market():
    """For runs whose market track does not matter."""


def test_runs_are_counted(tape):
    assert list_runs(tape) == []
    for run_id in ("0001", "0002", "0003"):
        with RunWriter.create(tape, {"seed": 1}, no_market) as run:
            assert run.run_id == run_id
    assert list_runs(tape) == ["0001", "0002", "0003"]


def test_the_first_record_is_the_configuration(tape):
    with RunWriter.create(tape, {"seed": 7, "version": "0.1.0"}, no_market, cursor_seq=5) as run:
        assert run.durable_index == 1
    assert list(RunReader.open(tape, "0001")) == [ControlRecord(5, RUN_STARTED, {"seed": 7, "version": "0.1.0"})]


def test_records_come_back_over_sessions(tape):
    with RunWriter.create(tape, None, no_market) as run:
        assert [run.append(seq, "command", {"n": seq}) for seq in range(3)] == [1, 2, 3]
    with RunWriter.resume(tape, "0001", no_market, 100) as run:
        assert run.recovery is None
        assert run.append(50, "fill", [1, "x", b"raw"]) == 4
    records = list(RunReader.open(tape, "0001"))
    assert [record.cursor_seq for record in records] == [0, 0, 1, 2, 50]
    assert records[-1] == ControlRecord(50, "fill", [1, "x", b"raw"])


def test_the_market_track_is_synced_first(tape, events):
    (tape / "market").mkdir(parents=True)
    with (
        MarketWriter.open(tape, sync_delay_s=3600) as market,
        RunWriter.create(tape, None, market.sync, sync_delay_s=3600) as run,
    ):
        market.append(events(0, 10))
        run.append(10, "command", None)
        assert (market.durable_seq, run.durable_index) == (0, 1)
        run.sync()
        assert (market.durable_seq, run.durable_index) == (10, 2)
    assert verify_tape(tape).ok


def test_it_becomes_durable_by_itself(tape):
    with RunWriter.create(tape, None, no_market) as run:
        assert run.wait_durable(run.append(0, "command", None) + 1, 20)


def test_the_cursor_does_not_go_back(tape):
    with RunWriter.create(tape, None, no_market, cursor_seq=8) as run:
        with pytest.raises(StoreError, match="cursor of at least 8 in run 0001, was 7"):
            run.append(7, "command", None)
        run.append(8, "command", None)


def test_too_large_a_record(tape):
    with RunWriter.create(tape, None, no_market) as run, pytest.raises(StoreError, match="at most"):
        run.append(0, "answer", bytes(17 << 20))


def test_one_writer_per_run(tape):
    with RunWriter.create(tape, None, no_market):
        with pytest.raises(TapeLocked, match="0001"):
            RunWriter.resume(tape, "0001", no_market, 0)
        RunWriter.create(tape, None, no_market).close()


def test_a_closed_run_takes_nothing(tape):
    run = RunWriter.create(tape, None, no_market)
    run.close()
    run.close()
    with pytest.raises(StoreError, match="was closed"):
        run.append(0, "command", None)


def test_an_unknown_run(tape):
    RunWriter.create(tape, None, no_market).close()
    with pytest.raises(InputError, match="which has 0001, was '7'"):
        RunReader.open(tape, "7")
    with pytest.raises(InputError):
        RunWriter.resume(tape, "../market", no_market, 0)


def test_nothing_behind_damage_is_read(tape):
    with RunWriter.create(tape, None, no_market) as run:
        for seq in range(5):
            run.append(seq, "command", "text")
    path = tape / "runs/0001/000001.log"
    data = bytearray(path.read_bytes())
    data[data.index(b"text", 150)] ^= 1
    path.write_bytes(data)
    found = []
    with pytest.raises(TapeCorrupt, match=r"000001\.log.*record_crc"):
        found.extend(RunReader.open(tape, "0001"))
    assert 0 < len(found) < 5


KILLED = """
import sys
sys.path[:0] = {path!r}
from pathlib import Path
from papertape.tape.control import RunWriter
run = RunWriter.create(Path({tape!r}), None, lambda: None)
while True:
    print(run.append(0, "command", "x" * 100), flush=True)
"""


def test_a_killed_writer_loses_no_record(tape):
    code = KILLED.format(path=sys.path, tape=str(tape))
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as writer:
        lines = [writer.stdout.readline() for _ in range(50)]
        writer.kill()
        lines += writer.stdout.read().splitlines(keepends=True)
    acknowledged = int([line for line in lines if line.endswith(b"\n")][-1])
    with RunWriter.resume(tape, "0001", no_market, 0) as run:
        assert run.append(0, "command", "after") > acknowledged
    records = list(RunReader.open(tape, "0001"))
    assert len(records) >= acknowledged + 2
    assert records[-1].body == "after"

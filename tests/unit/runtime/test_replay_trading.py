from pathlib import Path

from papertape.runtime.models import PRESETS
from papertape.runtime.replay_source import Played, Tally
from papertape.runtime.replay_trading import begin, ended
from papertape.runtime.runs import RUN_ENDED, AccountPlan, RunPlan, read_run
from papertape.tape.market_reader import MarketReader
from tests.made_tape import made_market

PLAN = RunPlan(
    accounts=(AccountPlan(name="one", cash=10**10, leverage=1, currency="USDT"),),
    models=PRESETS["frictionless"],
    seed=0,
)


def test_a_run_ends_in_the_same_state_kept_or_not(tmp_path: Path) -> None:
    tape = made_market(tmp_path)
    played, hashes = Played(tape, [], None), []
    for save in (False, True):
        trading, tally = begin(PLAN, played, save=save), Tally()
        for batch in MarketReader.open(tape).batches():
            trading.run.take(batch.first_seq, batch.records)
            tally.look(batch.records)
        answer = ended(trading, played, tally)
        hashes.append(answer.state_hash)
        assert (answer.run is not None) == save
        if trading.written:
            trading.written.writer.close()
    assert hashes[0] == hashes[1]
    assert read_run(tape, "0001")[1].streams[RUN_ENDED][0]["state_hash"] == hashes[0]

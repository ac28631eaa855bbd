import argparse

import pytest

from papertape.testing import soak
from papertape.testing.world.run import WorldReport, run_world


def test_seeds():
    assert soak.seeds_of("17") == range(17, 18)
    assert soak.seeds_of("0-999") == range(1_000)
    for text in ("", "a", "5-", "-5", "9-3", "1-2-3"):
        with pytest.raises(argparse.ArgumentTypeError, match="expected seeds"):
            soak.seeds_of(text)


def test_good_worlds_end_with_0(capsys):
    assert soak.main(["--seeds", "3-4", "--jobs", "2"]) == 0
    assert "2 worlds, 0 not good" in capsys.readouterr().out


def test_a_world_that_is_not_good_is_told_with_its_seed(capsys, monkeypatch):
    def spoilt(seed, folder):
        report: WorldReport = run_world(seed, folder)
        return report._replace(findings=("the sky fell",))

    monkeypatch.setattr(soak, "run_world", spoilt)
    assert soak.main(["--seeds", "3", "--jobs", "1"]) == 1
    told = capsys.readouterr().out
    assert "the sky fell" in told
    assert "python3 x.py soak --seeds 3" in told
    assert "1 worlds, 1 not good" in told

"""The files in deploy/ and the Dockerfile: the commands that they start exist, with the options that they give."""

import json
import re
import shlex

import pytest

from tests.test_docs import NAMES, command_faults
from tests.tree import ROOT

UNITS = sorted((ROOT / "deploy").glob("*.service"))


def started(unit: str) -> list[str]:
    (line,) = re.findall(r"^ExecStart=\S+/(papertape .*)$", unit, re.MULTILINE)
    return shlex.split(line)


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_unit_starts_a_command_that_exists(path) -> None:
    unit = path.read_text(encoding="utf-8")
    assert command_faults(started(unit), NAMES) == []
    assert "RestartPreventExitStatus=2 3" in unit
    assert "KillSignal=SIGTERM" in unit


def test_there_are_units() -> None:
    assert UNITS


def test_the_container_starts_a_command_that_exists_and_copies_what_is_there() -> None:
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    words = {
        line.partition(" ")[0]: line.partition(" ")[2] for line in lines if line and not line.startswith(("#", " "))
    }
    assert command_faults(json.loads(words["ENTRYPOINT"]) + json.loads(words["CMD"]), NAMES) == []
    assert (ROOT / "requirements.lock").is_file()

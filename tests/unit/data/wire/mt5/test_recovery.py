import re
from pathlib import Path

from papertape.data.wire.mt5.recovery import RECOVERY, RecoveryAction, recovery_of
from papertape.venue.mt5_types import ERROR_TEXTS


def test_every_code_of_the_terminal_has_an_action() -> None:
    assert set(RECOVERY) == set(ERROR_TEXTS)


def test_an_unknown_code_is_met_by_a_restart() -> None:
    assert recovery_of(-12345) is RecoveryAction.RESTART


def test_the_page_says_what_the_table_says(root: Path) -> None:
    page = (root / "docs" / "howto" / "metatrader-5.md").read_text(encoding="utf-8")
    told = re.findall(r"^\| (-?\d+) \| .*? \| `(\w+)` \|", page, re.MULTILINE)
    assert {int(code): action for code, action in told} == {code: action.value for code, action in RECOVERY.items()}

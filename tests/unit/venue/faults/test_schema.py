"""What a faults file may hold, and how a wrong one is refused."""

import re
from pathlib import Path
from typing import get_args

import pytest

from papertape.core.errors import InputError
from papertape.venue.faults.schema import AnyFault, Drop, Gap, ServerShutdown, faults_of, load_faults

ROOT = Path(__file__).resolve().parents[4]


def test_a_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "faults.toml"
    file.write_text('seed = 3\n[[fault]]\nkind = "gap"\nat_s = 2\nlasts_s = 0.5\nshare = 0.1\nsymbol = "BTCUSDT"\n')
    plan = load_faults(file)
    assert plan.seed == 3
    assert plan.fault == (Gap(at_s=2, lasts_s=0.5, share=0.1, symbol="BTCUSDT"),)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[[fault]]\nkind = "gap"\nshar = 1', "unknown field `shar`"),
        ('[[fault]]\nkind = "gpa"', "gpa"),
        ("[[fault]]\nat_s = 1", "kind"),
        ('[[fault]]\nkind = "gap"\nshare = 2', "share"),
        ('[[fault]]\nkind = "gap"\nat_s = -1', "at_s"),
        ('[[fault]]\nkind = "gap"\nat_s = nan', "at_s"),
        ('[[fault]]\nkind = "delay"', "delay_ms"),
        ("sede = 1", "unknown field `sede`"),
        ("seed = ", "is no TOML"),
    ],
)
def test_a_wrong_file_is_refused_with_the_place(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "faults.toml"
    file.write_text(text)
    with pytest.raises(InputError, match=said) as refused:
        load_faults(file)
    assert str(file) in str(refused.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        load_faults(tmp_path / "none.toml")


def test_a_request_is_one_fault_or_several() -> None:
    assert faults_of({"kind": "drop"}) == (Drop(),)
    assert [one.kind for one in faults_of([{"kind": "drop"}, {"kind": "server_shutdown"}])] == [
        "drop",
        "server_shutdown",
    ]
    with pytest.raises(InputError, match="expected|Expected"):
        faults_of("drop")


def test_how_long_it_lasts() -> None:
    assert Drop().length_s == 0
    assert Gap().length_s is None
    assert Gap(lasts_s=2).length_s == 2
    assert ServerShutdown(lead_s=3).length_s == 3


def test_the_reference_names_every_kind_and_key() -> None:
    text = (ROOT / "docs" / "reference" / "faults.md").read_text(encoding="utf-8")
    for kind in get_args(AnyFault):
        row = re.search(rf"^\| `{kind.__struct_config__.tag}` \|(.*)$", text, re.MULTILINE)
        assert row, kind
        for field in kind.__struct_fields__:
            assert f"`{field}`" in text
            if field not in ("at_s", "lasts_s", "connection", "symbol", "share", "route"):
                assert f"`{field}`" in row[1], (kind, field)

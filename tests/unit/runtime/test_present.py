import msgspec
import pytest

from papertape.runtime.present import present


class Row(msgspec.Struct):
    name: str
    count: int


class Response(msgspec.Struct):
    state_hash: str
    synced: bool
    nothing: None
    records: int
    seconds: float
    verdicts: dict[str, int]
    words: list[str]
    rows: list[Row]


def test_every_field_is_shown_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    present(Response("abc", True, None, 1_234_567, 1.5, {"out_of_order": 2}, [], [Row("x", 1), Row("[red]y", 20)]))
    said = capsys.readouterr().out
    for part in ("state hash", "abc", "yes", "-", "1 234 567", "1.500", "out of order 2", "none", "rows", "name", "20"):
        assert part in said
    assert "[red]y" in said


def test_text_of_others_is_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    class Told(msgspec.Struct):
        text: str

    present(Told("file [/] [bold]x[/bold]"))
    assert "file [/] [bold]x[/bold]" in capsys.readouterr().out

"""Answers for people: the fields of a response as aligned lines, lists of structs as tables."""

from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from papertape.core.actions import DemoResult
from papertape.runtime.demo_story import own_command, story


def present(response: msgspec.Struct) -> None:
    """Print `response` to standard output."""
    console = Console(highlight=False, markup=False, emoji=False)
    if isinstance(response, DemoResult):
        console.print(story(response, own_command()), soft_wrap=True)
        return
    values: dict[str, Any] = msgspec.to_builtins(response)
    plain = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    tables: list[Table] = []
    for name, value in values.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            tables.append(_table(name, value))
        else:
            plain.add_row(_words(name), _named(name, value))
    console.print(plain)
    for table in tables:
        console.print(table)


def _table(name: str, rows: list[dict[str, Any]]) -> Table:
    table = Table(title=_words(name), title_justify="left")
    for column in rows[0]:
        table.add_column(_words(column), overflow="fold")
    for row in rows:
        table.add_row(*(_named(column, value) for column, value in row.items()))
    return table


def _words(name: str) -> str:
    return name.replace("_", " ")


def _named(name: str, value: Any) -> str:
    """A value as text; ids, positions and ports are names, so their digits are not grouped."""
    is_name = name == "port" or name.rpartition("_")[2] in ("id", "seq", "offset")
    return str(value) if is_name and value is not None else _text(value)


def _text(value: Any) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}".replace(",", " ")
        case float():
            return f"{value:,.3f}".replace(",", " ")
        case dict():
            return ", ".join(f"{_words(key)} {_text(inner)}" for key, inner in value.items()) or "none"
        case list():
            return ", ".join(map(_text, value)) or "none"
    return str(value)

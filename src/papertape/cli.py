"""The command line: a skin over the table of actions.

Every action is a command; the fields of its request are the options, their descriptions the help.
Standard output holds the answer and nothing else, with `--json` as one JSON object; progress,
logs and errors go to standard error, whose last line is the error.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn, get_args, get_origin

import msgspec

from papertape import __version__
from papertape.core.action_parts import Action
from papertape.core.actions import ACTIONS
from papertape.core.errors import PapertapeError, UsageError
from papertape.runtime.outcome import INTERRUPTED

GROUPS = {
    "config": "Check or show the configuration.",
    "symbols": "Find symbols.",
    "bench": "Measure speed on this machine.",
}


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; `{self.prog} --help` shows what is expected")


def build_parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    parser = _Parser(
        prog="papertape",
        description="Listen to live markets, keep every tick on one tape, and prove that it can be replayed.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"papertape {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    groups: dict[str, Any] = {}
    for action in ACTIONS:
        group, _, name = action.name.rpartition(" ")
        where = commands
        if group:
            if group not in groups:
                outer = commands.add_parser(group, help=GROUPS[group], description=GROUPS[group], allow_abbrev=False)
                groups[group] = outer.add_subparsers(metavar="COMMAND", required=True)
            where = groups[group]
        summary = " ".join(action.summary.split())
        command = where.add_parser(name, help=summary, description=summary, allow_abbrev=False)
        for field in msgspec.structs.fields(action.request):
            _add_field(command, field)
        command.add_argument("--json", action="store_true", help="Print the answer as one JSON object.")
        command.set_defaults(action=action)
    return parser


def _add_field(command: argparse.ArgumentParser, field: msgspec.structs.FieldInfo) -> None:
    """One field of a request as an option, or as an argument when it is declared positional."""
    metas = [meta for meta in getattr(field.type, "__metadata__", ()) if isinstance(meta, msgspec.Meta)]
    kind = field.type.__origin__ if metas else field.type
    texts = [meta.description for meta in metas if meta.description]
    options: dict[str, Any] = {"help": texts[0] if texts else None}
    if field.required is False and kind is not bool and field.default not in (msgspec.NODEFAULT, None):
        options["help"] = f"{options['help']} (default: {field.default})"
    choices = [choice for part in (kind, *get_args(kind)) for choice in _choices(part)]
    if choices:
        options["choices"] = choices
    if get_origin(kind) is list:
        options |= {"action": "extend", "nargs": "+"}
    if any(meta.extra_json_schema for meta in metas):
        if not field.required:
            options["nargs"] = "?"
        command.add_argument(field.encode_name, metavar=field.encode_name.upper(), **options)
        return
    flag = f"--{field.encode_name.replace('_', '-')}"
    if kind is bool:
        command.add_argument(flag, dest=field.encode_name, action="store_true", default=None, help=texts[0])
        return
    if "choices" not in options:
        options["metavar"] = "FILE" if field.encode_name == "reel" else flag.rpartition("-")[2].upper()
    command.add_argument(flag, dest=field.encode_name, required=field.required, **options)


def _choices(kind: Any) -> tuple[Any, ...]:
    return get_args(kind) if str(get_origin(kind)) == "typing.Literal" else ()


def _request(action: Action, given: argparse.Namespace) -> msgspec.Struct:
    """The request that the options say. Raises UsageError naming the option that is not right."""
    values: dict[str, Any] = {}
    for field in msgspec.structs.fields(action.request):
        value = getattr(given, field.encode_name)
        if value is None:
            continue
        if field.encode_name in ("symbols", "streams", "ws_url", "source", "backup"):
            value = [part for text in value for part in text.split(",")]
        values[field.encode_name] = value
    try:
        return msgspec.convert(values, action.request, strict=False)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `$.")
        raise UsageError(f"--{where.rstrip('`').replace('_', '-')}: {what}") from error


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    try:
        given = build_parser().parse_args(arguments)
        from papertape.runtime.handlers import handler
        from papertape.runtime.shell import Shell

        request = _request(given.action, given)
        outcome = handler(given.action.name)(request, Shell())
    except PapertapeError as error:
        return _fail(str(error), error.exit_code)
    except KeyboardInterrupt:
        return _fail("interrupted", INTERRUPTED)
    try:
        _answer(outcome.response, given.json)
    except BrokenPipeError:
        # Whoever read has gone; what Python flushes at exit must not meet the broken pipe again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return _fail(outcome.error, outcome.exit_code) if outcome.error else outcome.exit_code


def _answer(response: msgspec.Struct, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(msgspec.json.encode(response).decode() + "\n")
    else:
        from papertape.runtime.present import present

        present(response)
    sys.stdout.flush()


def _fail(message: str, exit_code: int) -> int:
    sys.stderr.write(f"papertape: {' '.join(message.split())}\n")
    return exit_code


if __name__ == "__main__":
    sys.exit(main())

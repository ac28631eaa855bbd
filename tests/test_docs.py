"""The documents are checked like code: commands exist, flags exist, links lead somewhere, examples run.

An example is a fenced block marked `console`; its lines that start with `$ ` are commands. Each must be
a command of papertape (or a task of x.py) with flags that its help knows. A block marked `console run`
is run from top to bottom in an empty folder, and every command must end with 0. The blocks of a page that
are marked `python run` are one program, run the same way.
"""

import functools
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from papertape.core.action_parts import Action
from papertape.core.actions import ACTIONS
from papertape.core.records import RECORD_DTYPE, Flag, Kind, Verdict
from papertape.runtime.config import Config

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
CLI_REFERENCE = ROOT / "docs" / "reference" / "cli.md"
ADRS = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))
TASKS = re.findall(r"^    (\w+) .{6}", (ROOT / "x.py").read_text(encoding="utf-8").split('"""')[1], re.MULTILINE)


class Block(NamedTuple):
    """One fenced block: where it starts, its mark, its lines."""

    place: str
    mark: str
    lines: tuple[str, ...]

    @property
    def commands(self) -> list[list[str]]:
        return [shlex.split(line[2:], comments=True) for line in self.lines if line.startswith("$ ")]


def blocks_of(text: str, name: str) -> Iterator[Block]:
    for match in re.finditer(r"^```(.*)\n((?:.*\n)*?)```$", text, re.MULTILINE):
        line = text.count("\n", 0, match.start()) + 1
        yield Block(f"{name}:{line}", match[1].strip(), tuple(match[2].splitlines()))


ALL_BLOCKS = [
    block
    for path in DOCUMENTS
    for block in blocks_of(path.read_text(encoding="utf-8"), path.relative_to(ROOT).as_posix())
]
BLOCKS = [block for block in ALL_BLOCKS if block.mark.startswith("console")]
PROGRAMS: dict[str, list[str]] = {}
for _block in ALL_BLOCKS:
    if _block.mark == "python run":
        PROGRAMS.setdefault(_block.place.partition(":")[0], []).extend(_block.lines)
RUNNABLE = [block for block in BLOCKS if block.mark == "console run"]


def papertape(*args: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb", "PYTHONUTF8": "1"}
    if folder:
        environment["PAPERTAPE_HOME"] = str(folder / "home")
    command = [sys.executable, "-m", "papertape", *args]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@functools.cache
def help_of(command: str) -> str:
    done = papertape(*command.split(), "--help")
    assert done.returncode == 0, f"papertape {command} --help: {done.stderr}"
    return done.stdout


# Commands and flags.


def command_faults(words: list[str], names: Iterable[str]) -> list[str]:
    """What is wrong with one command line of a document."""
    line = " ".join(words)
    if words[:2] == ["python3", "x.py"]:
        return [] if words[2:3] and words[2] in TASKS else [f"x.py has no such task: {line}"]
    if words[:1] != ["papertape"]:
        return [f"an example runs papertape or x.py: {line}"]
    known = [name for name in names if words[1 : 1 + len(name.split())] == name.split()]
    if not known and words[1:] not in (["--help"], ["--version"]):
        return [f"no such command: {line}"]
    text = help_of(max(known, key=len, default=""))
    flags = [word.partition("=")[0] for word in words[1:] if re.match(r"--\w", word)]
    return [f"no flag {flag}: {line}" for flag in flags if not re.search(rf"(?<![\w-]){flag}(?![\w-])", text)]


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.place)
def test_commands_of_an_example_exist(block: Block) -> None:
    assert block.mark in ("console", "console run"), "expected the mark `console` or `console run`"
    assert block.commands, "an example without a command"
    assert [fault for words in block.commands for fault in command_faults(words, NAMES)] == []


@pytest.mark.parametrize("block", RUNNABLE, ids=lambda block: block.place)
def test_example_runs(block: Block, tmp_path: Path) -> None:
    for program, *args in block.commands:
        assert program == "papertape", "only papertape itself is run"
        done = papertape(*args, folder=tmp_path)
        assert done.returncode == 0, f"papertape {' '.join(args)} ended with {done.returncode}:\n{done.stderr}"


@pytest.mark.parametrize("page", PROGRAMS)
def test_program_runs(page: str, tmp_path: Path) -> None:
    environment = os.environ | {"PAPERTAPE_HOME": str(tmp_path / "home")}
    command = [sys.executable, "-c", "\n".join(PROGRAMS[page])]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_there_are_examples_that_run() -> None:
    assert RUNNABLE
    assert PROGRAMS
    assert any(block.place.startswith("README.md") for block in RUNNABLE)


def test_wrong_commands_are_seen() -> None:
    name = next(iter(NAMES))
    assert command_faults(["papertape", *name.split()], NAMES) == []
    assert command_faults(["papertape", *name.split(), "--help"], NAMES) == []
    assert command_faults(["papertape", *name.split(), "--no-such-flag=1"], NAMES)
    assert command_faults(["papertape", "no-such-command"], NAMES)
    assert command_faults(["python3", "x.py", "no-such-task"], NAMES)
    assert command_faults(["python3", "x.py", "test", "-k", "tape"], NAMES) == []
    assert command_faults(["rm", "-r", "tape"], NAMES)


# Every command is documented and has help.

NAMES = [action.name for action in ACTIONS]


def sections_of(text: str) -> dict[str, str]:
    """The reference by command: what stands under the heading of each."""
    parts = re.split(r"^#+ (.*)$", text, flags=re.MULTILINE)[1:]
    named = zip(parts[::2], parts[1::2], strict=True)
    return {title[len("`papertape ") : -1]: body for title, body in named if title.startswith("`papertape ")}


def arguments_of(request: type[msgspec.Struct]) -> Iterator[str]:
    """The arguments of a command, as a person types them."""
    for field in msgspec.structs.fields(request):
        marks = getattr(field.type, "__metadata__", ())
        positional = any((mark.extra_json_schema or {}).get("positional") for mark in marks)
        yield field.name.upper() if positional else "--" + field.encode_name.replace("_", "-")


def json_fields_of(kind: object) -> Iterator[str]:
    """The names of all fields in a command's JSON, those of objects inside it included."""
    if isinstance(kind, msgspec.inspect.StructType):
        for field in kind.fields:
            yield field.encode_name
            yield from json_fields_of(field.type)
    elif isinstance(kind, msgspec.inspect.ListType):
        yield from json_fields_of(kind.item_type)


def undocumented(actions: Iterable[Action], text: str) -> list[str]:
    """Differences between the commands that exist and what the reference says of them."""
    sections = sections_of(text)
    known = {action.name: action for action in actions}
    found = [f"{name} is documented and does not exist" for name in sections if name not in known]
    for name, action in known.items():
        if name not in sections:
            found.append(f"{name} is not documented")
            continue
        said = re.findall(r"`([^`]*)`", sections[name])
        arguments = list(arguments_of(action.request))
        fields = json_fields_of(msgspec.inspect.type_info(action.response))
        found += [f"{name}: {word} is not documented" for word in (*arguments, *fields) if word not in said]
        flags = [word for word in said if word.startswith("--") and word not in (*arguments, "--json")]
        found += [f"{name}: {flag} is documented and does not exist" for flag in flags]
    return found


def test_reference_and_commands_agree() -> None:
    assert undocumented(ACTIONS, CLI_REFERENCE.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.name)
def test_command_has_help(action: Action) -> None:
    text = help_of(action.name)
    assert action.summary
    assert action.summary.split(".")[0] in " ".join(text.split())
    assert "--json" in text


def test_top_level_help_names_every_command() -> None:
    text = help_of("")
    assert [name for name in NAMES if not re.search(rf"^\W*{name.split()[0]}\b", text, re.MULTILINE)] == []


class _Do(msgspec.Struct):
    """Does it."""

    how_fast: int


class _Done(msgspec.Struct):
    steps: list[_Do]


def test_missing_documentation_is_seen() -> None:
    action = Action("do", _Do, _Done)
    good = "# Head\n### `papertape do`\n`--how-fast`, `steps` of `how_fast`\n## Next\n"
    assert undocumented([action], good) == []
    assert undocumented([action], "") == ["do is not documented"]
    assert undocumented([], good) == ["do is documented and does not exist"]
    for word in ("--how-fast", "steps", "how_fast"):
        assert undocumented([action], good.replace(f"`{word}`", "")) == [f"do: {word} is not documented"]
    assert undocumented([action], good.replace("`steps`", "`steps` `--slow`")) == [
        "do: --slow is documented and does not exist"
    ]


# Every key of the configuration is documented.


def keys_of(tables: dict[str, Any], path: str = "") -> Iterator[str]:
    for key, value in tables.items():
        if isinstance(value, dict):
            yield from keys_of(value, f"{path}{key}.")
        else:
            yield path + key


def test_reference_and_configuration_agree() -> None:
    text = (ROOT / "docs" / "reference" / "configuration.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `([a-z_.]+)` \|", text, re.MULTILINE) == list(keys_of(msgspec.to_builtins(Config())))


# The record of the tape is documented.


def test_reference_and_record_agree() -> None:
    text = (ROOT / "docs" / "reference" / "tape-format.md").read_text(encoding="utf-8")
    section = text.split("## Records\n")[1].split("\n## ")[0]
    fields = {name: int(offset) for offset, name in re.findall(r"^\| (\d+) \| `(\w+)` \|", section, re.MULTILINE)}
    assert fields == {name: RECORD_DTYPE.fields[name][1] for name in RECORD_DTYPE.names or ()}
    named = {name: int(number) for name, number in re.findall(r"^\| `([A-Z_]+)` \| (\d+) \|", section, re.MULTILINE)}
    records = [kind for kind in Kind if kind not in (Kind.BLOCK, Kind.SEAL)]
    assert named == {str(one.name): int(one) for one in (*records, *Flag, *Verdict)}


# Links.


def slug(heading: str) -> str:
    """The anchor of a heading, as Git hosts make it."""
    text = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def prose_of(text: str) -> str:
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def links_of(text: str) -> list[str]:
    return re.findall(r"\[[^\]]*\]\(([^)\s]+)\)", re.sub(r"`[^`\n]*`", "", prose_of(text)))


def link_faults(path: Path, text: str) -> list[str]:
    """Links of a document that lead nowhere inside the project."""
    faults = []
    for link in links_of(text):
        file, _, anchor = link.partition("#")
        if re.match(r"https?:|mailto:", link):
            continue
        target = (path.parent / file).resolve() if file else path
        if not target.exists():
            faults.append(f"{path.name}: {link} leads nowhere")
        elif anchor:
            content = text if target == path else target.read_text(encoding="utf-8")
            anchors = [slug(heading) for heading in re.findall(r"^#+ (.*)$", prose_of(content), re.MULTILINE)]
            if anchor not in anchors:
                faults.append(f"{path.name}: {link} names no heading")
    return faults


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(path: Path) -> None:
    assert link_faults(path, path.read_text(encoding="utf-8")) == []


def test_every_document_is_reached_from_the_readme() -> None:
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        path = waiting.pop()
        if path in reached or path.suffix != ".md":
            continue
        reached.add(path)
        waiting += [
            (path.parent / link.partition("#")[0]).resolve()
            for link in links_of(path.read_text(encoding="utf-8"))
            if "://" not in link and not link.startswith("#")
        ]
    assert [path.relative_to(ROOT).as_posix() for path in DOCUMENTS if path not in reached] == []


def test_broken_links_are_seen(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# One `two` three\n", encoding="utf-8")
    path = tmp_path / "b.md"
    good = "# H\n[x](a.md) [y](#h) [z](a.md#one-two-three) `[code](nowhere)` [`code`](a.md) [w](https://a.b)"
    assert links_of(good) == ["a.md", "#h", "a.md#one-two-three", "a.md", "https://a.b"]
    path.write_text(good, encoding="utf-8")
    assert link_faults(path, good) == []
    assert link_faults(path, "[x](c.md)")
    assert link_faults(path, "[x](a.md#four)")
    assert link_faults(path, "[x](#nothing)")


# The shape of decisions and of the house.


@pytest.mark.parametrize("path", ADRS, ids=lambda path: path.stem)
def test_decision_has_its_parts(path: Path) -> None:
    headings = re.findall(r"^## (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    assert headings == ["Context", "Decision", "Consequences", "When to look again"]


def test_architecture_names_every_room() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    package = ROOT / "src" / "papertape"
    rooms = [path.parent.relative_to(package).as_posix() for path in package.glob("*/**/__init__.py")]
    assert rooms
    assert [room for room in rooms if f"{room.split('/')[-1]}/" not in text] == []

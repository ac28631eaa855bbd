"""The house's style as failing tests. Each rule is a row of `RULES`, with a snippet that breaks it and one that keeps it.

Where a rule is wrong for a case, change the rule here, in the open and with its reason, never around it.
"""

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from tests.tree import MODULES, PACKAGE, PYTHON_FILES, ROOT, in_package

FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 70

PURE_ROOMS = (
    "core/",
    "data/wire/",
    "data/quality/",
    "paper_trading/analytics/",
    "paper_trading/engine/",
    "paper_trading/experiments/",
    "paper_trading/ledger/",
    "paper_trading/reports/",
    "venue/matching.py",
    "venue/synthetic/",
)
EXACT_ROOMS = ("core/", "tape/", "paper_trading/engine/", "paper_trading/ledger/", "venue/matching.py")
"""Where money, prices and sizes are integers, and so no float stands."""

FLOATS_ALLOWED: dict[str, str] = {
    "core/actions.py": "durations and speeds that a person types",
    "tape/market_writer.py": "a wait in seconds, as the system's calls take it",
    "tape/sync.py": "a share of a wait",
    "tape/watch.py": "a wait in seconds, as the system's calls take it",
}
"""Files of `EXACT_ROOMS` that may use floats, each with its reason."""

UNTESTED_MODULES: dict[str, str] = {
    "src/papertape/__main__.py": "one call; the tests of the command line go through it",
}
"""Modules without a test module of their own, each with its reason. A package's `__init__.py` needs none."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


# What the rules ask of a syntax tree.


def dotted(node: ast.AST) -> str:
    """`a.b.c` for a chain of names; a call in the chain is written `()`; empty for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    if isinstance(node, ast.Call):
        return dotted(node.func) + "()"
    return ""


def calls(tree: ast.AST) -> Iterator[tuple[ast.Call, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield node, dotted(node.func)


def file_is_short(tree: ast.Module, text: str) -> Iterator[tuple[int, str]]:
    lines = text.count("\n")
    if lines > FILE_LINES_MAX:
        yield lines, f"{lines} lines, {FILE_LINES_MAX} are allowed"


def functions_are_short(tree: ast.Module, text: str) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, Function):
            lines = (node.end_lineno or 0) - node.lineno + 1
            if lines > FUNCTION_LINES_MAX:
                yield node.lineno, f"function {node.name} has {lines} lines, {FUNCTION_LINES_MAX} are allowed"


def no_marks_of_unfinished_work(tree: ast.Module, text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.splitlines(), 1):
        if mark := re.search(r"\b(TOD[O]|FIXM[E]|XX[X])\b", line):
            yield number, f"{mark.group()}: do it, file it, or drop it"


def tasks_have_an_owner(tree: ast.Module, text: str) -> Iterator[tuple[int, str]]:
    for node, name in calls(tree):
        owner, _, method = name.rpartition(".")
        if method == "ensure_future" or (method == "create_task" and not owner.endswith(("group", "tg"))):
            yield node.lineno, f"{name}: a task is made by a TaskGroup, whose name ends in `group`"


def no_error_is_swallowed(tree: ast.Module, text: str) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.ExceptHandler):
            continue
        types = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
        broad = any(kind is None or dotted(kind) in ("Exception", "BaseException") for kind in types)
        raises = any(isinstance(inner, ast.Raise) for inner in ast.walk(node))
        raises = raises or any(name == "os._exit" for _, name in calls(node))  # the end of a forked child
        # Whatever a strategy raises is its own fault: it is stopped, which is written down (ADR 19).
        raises = raises or any(name == "self.stop" for _, name in calls(node))
        if broad and not raises:
            yield node.lineno, "a broad except must raise again, stop whose fault it is, or end the process"
        elif all(isinstance(inner, ast.Pass) for inner in node.body):
            yield node.lineno, "except with pass: use contextlib.suppress with the one error that is meant"
    for call, name in calls(tree):
        if name.endswith("suppress") and any(dotted(arg) in ("Exception", "BaseException") for arg in call.args):
            yield call.lineno, "suppress of every error"


def nothing_prints(tree: ast.Module, text: str) -> Iterator[tuple[int, str]]:
    for node, name in calls(tree):
        if name == "print":
            yield node.lineno, "print: only the command line speaks to people"


def no_ambient_time_or_chance(tree: ast.Module, text: str) -> Iterator[tuple[int, str]]:
    banned = re.compile(
        r"(^|\.)(datetime|date)\.(now|utcnow|today)$"
        r"|^time\.(time|time_ns|monotonic|monotonic_ns|perf_counter|perf_counter_ns|sleep|gmtime|localtime)$"
        r"|^(random|secrets|uuid)\."
        r"|^(np|numpy)\.random\b"
        r"|^(id|hash)$"
    )
    for node, name in calls(tree):
        if banned.search(name):
            yield node.lineno, f"{name}: time, chance and addresses come into a PURE room as arguments"
    for imported in ast.walk(tree):
        if isinstance(imported, ast.ImportFrom) and imported.module in ("time", "random", "secrets", "uuid"):
            yield imported.lineno, f"import from {imported.module} in a PURE room"


def sets_are_not_iterated(tree: ast.Module, text: str) -> Iterator[tuple[int, str]]:
    def unordered(node: ast.expr) -> bool:
        return isinstance(node, ast.Set | ast.SetComp) or (
            isinstance(node, ast.Call) and dotted(node.func) in ("set", "frozenset")
        )

    for node in ast.walk(tree):
        iterated: list[ast.expr] = []
        if isinstance(node, ast.For | ast.comprehension):
            iterated = [node.iter]
        elif isinstance(node, ast.Call) and (
            dotted(node.func) in ("list", "tuple", "iter", "enumerate", "map", "zip", "dict.fromkeys")
            or dotted(node.func).endswith(".join")
        ):
            iterated = node.args
        for inner in iterated:
            if unordered(inner):
                yield inner.lineno, "a set has no order that two runs share: sort it or use a dict"


def no_floats(tree: ast.Module, text: str) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, float | complex):
            yield node.lineno, f"float {node.value}: money, prices and sizes are integers"
        elif isinstance(node, ast.Call) and dotted(node.func) == "float":
            yield node.lineno, "float(): money, prices and sizes are integers"


def docstrings_stand(tree: ast.Module, text: str) -> Iterator[tuple[int, str]]:
    if not ast.get_docstring(tree):
        yield 1, "the module has no docstring"
    for node in tree.body:
        if not isinstance(node, Function | ast.ClassDef) or node.name.startswith("_"):
            continue
        overload = any(dotted(decorator).endswith("overload") for decorator in node.decorator_list)
        if not overload and not ast.get_docstring(node):
            yield node.lineno, f"{node.name} is public and has no docstring"


def room_opens_without_kernels(tree: ast.Module, text: str) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        room = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
        for name in [room + alias.name for alias in node.names]:
            if {"kernels", "numba"} & set(name.split(".")):
                yield node.lineno, f"import of {name}: a room's __init__ must not cost a compiler"


# The rules: where each holds, and the proof that it can fail.


@dataclass(frozen=True)
class Rule:
    check: Callable[[ast.Module, str], Iterator[tuple[int, str]]]
    holds_in: Callable[[str], bool]
    good: str
    bad: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.check.__name__


def everywhere(path: str) -> bool:
    return True


def in_rooms(*rooms: str, but: tuple[str, ...] = ()) -> Callable[[str], bool]:
    return lambda path: in_package(path) and path[len(PACKAGE) :].startswith(rooms) and path[len(PACKAGE) :] not in but


RULES = (
    Rule(file_is_short, everywhere, "x = 1\n" * 500, ("x = 1\n" * 501,)),
    Rule(
        functions_are_short,
        everywhere,
        "def f():\n" + "    x = 1\n" * 69,
        ("def f():\n" + "    x = 1\n" * 70, "class A:\n    async def f():\n" + "        x = 1\n" * 70),
    ),
    Rule(no_marks_of_unfinished_work, everywhere, "todos = 1", ("x = 1  # TO" + "DO later", '"""FIX' + 'ME"""')),
    Rule(
        tasks_have_an_owner,
        in_package,
        "group.create_task(f())\nself._group.create_task(f())",
        ("asyncio.create_task(f())", "asyncio.get_running_loop().create_task(f())", "asyncio.ensure_future(f())"),
    ),
    Rule(
        no_error_is_swallowed,
        everywhere,
        "try:\n    f()\nexcept OSError as e:\n    g(e)\nexcept Exception as e:\n    raise A from e\ntry:\n    f()\nexcept Exception as e:\n    self.stop(1, str(e))",
        (
            "try:\n    f()\nexcept:\n    g()",
            "try:\n    f()\nexcept (OSError, Exception):\n    g()",
            "try:\n    f()\nexcept OSError:\n    pass",
            "with contextlib.suppress(Exception):\n    f()",
        ),
    ),
    Rule(nothing_prints, lambda path: in_package(path) and path != PACKAGE + "cli.py", "say(1)", ("print(1)",)),
    Rule(
        no_ambient_time_or_chance,
        in_rooms(*PURE_ROOMS),
        "clock.now()\ndatetime.fromtimestamp(1, UTC)",
        (
            "time.time()",
            "datetime.now(UTC)",
            "datetime.datetime.utcnow()",
            "random.random()",
            "uuid.uuid4()",
            "np.random.default_rng()",
            "from random import choice",
            "key = id(order)",
            "key = hash(name)",
        ),
    ),
    Rule(
        sets_are_not_iterated,
        in_rooms(*PURE_ROOMS),
        "for x in sorted({1, 2}): pass\nok = 1 in {1, 2}",
        ("for x in {1, 2}: pass", "y = [x for x in set(z)]", "y = list({1, 2})", "','.join({a for a in b})"),
    ),
    Rule(no_floats, in_rooms(*EXACT_ROOMS, but=tuple(FLOATS_ALLOWED)), "x = 1\n'1.5'", ("x = 1.5", "x = float(y)")),
    Rule(
        docstrings_stand,
        in_package,
        '"""M."""\ndef f():\n    """F."""\ndef _g(): ...\n@overload\ndef o(): ...\nclass A:\n    """A."""\n    def h(self): ...',
        ("x = 1", '"""M."""\ndef f(): ...', '"""M."""\nclass A: ...'),
    ),
    Rule(
        room_opens_without_kernels,
        lambda path: in_package(path) and path.endswith("/__init__.py"),
        "from papertape.core.book.rows import Book",
        ("import numba", "from .kernels import apply", "from . import kernels", "import papertape.core.book.kernels"),
    ),
)


def findings(rule: Rule, path: str, text: str) -> list[str]:
    return [f"{path}:{line}: {what}" for line, what in rule.check(ast.parse(text), text)]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_rule_holds(rule: Rule) -> None:
    held = [path for path in PYTHON_FILES if rule.holds_in(path)]
    assert held, "a rule that holds nowhere proves nothing"
    found = [line for path in held for line in findings(rule, path, (ROOT / path).read_text(encoding="utf-8"))]
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_rule_can_fail(rule: Rule) -> None:
    assert findings(rule, "good.py", rule.good) == []
    for bad in rule.bad:
        assert findings(rule, "bad.py", bad), f"not found in:\n{bad}"


# Every module has its tests.


def mirror(path: str) -> str:
    """Where the tests of a module stand: tests/unit mirrors the package."""
    room, _, name = path[len(PACKAGE) :].rpartition("/")
    return f"tests/unit/{room}/test_{name}" if room else f"tests/unit/test_{name}"


def test_every_module_has_its_test_module() -> None:
    missing = [f"{path}: no {mirror(path)}" for path in MODULES if mirror(path) not in PYTHON_FILES]
    assert [line for line in missing if line.partition(":")[0] not in UNTESTED_MODULES] == []


def test_mirror_names_the_place() -> None:
    assert mirror("src/papertape/core/book/rows.py") == "tests/unit/core/book/test_rows.py"
    assert mirror("src/papertape/cli.py") == "tests/unit/test_cli.py"


def test_exemptions_are_needed() -> None:
    gone = [path for path in UNTESTED_MODULES if path not in MODULES or mirror(path) in PYTHON_FILES]
    floats = next(rule for rule in RULES if rule.check is no_floats)
    for name in FLOATS_ALLOWED:
        path = ROOT / PACKAGE / name
        if not path.exists() or not findings(floats, name, path.read_text(encoding="utf-8")):
            gone.append(name)
    assert not gone, f"exempted without need: {gone}"

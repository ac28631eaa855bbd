import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numba
import pytest

import papertape
from papertape.core.jit import watch_compiles

PACKAGE = Path(papertape.__file__).parent
USE_KERNEL = """
import json
import papertape
from papertape.core.jit import watch_compiles
compiled = []
with watch_compiles(compiled.append):
    from papertape.core.fixed.kernels import mul_div
    result = mul_div(7, 10**18, 2 * 10**18, 0)
print(json.dumps([result, compiled, sum(mul_div.stats.cache_hits.values()), str(mul_div.stats.cache_path)]))
"""


def run(tree: Path, home: Path, script: str, **environment: str) -> str:
    """What `script` prints in a new process that imports papertape from `tree`."""
    settings = {"PYTHONPATH": os.pathsep.join([str(tree), *sys.path]), "PAPERTAPE_HOME": str(home), **environment}
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("NUMBA_", "PAPERTAPE_"))}
    answer = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        env={**inherited, **settings},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    return answer.stdout.strip()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the package that may be edited."""
    shutil.copytree(PACKAGE, tmp_path / "tree" / "papertape", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "tree"


def kernel_sources(package: Path) -> list[Path]:
    """Every file that may stand in a kernel: those named so, and all in folders named `kernels`."""
    files = sorted(package.rglob("*.py"))
    return [path for path in files if path.name in papertape.KERNEL_SOURCES or path.parent.name == "kernels"]


def test_an_edit_of_any_kernel_source_names_another_directory(tree: Path, tmp_path: Path) -> None:
    def directory() -> Path:
        return Path(run(tree, tmp_path / "home", "import papertape; print(papertape.kernel_cache_dir())"))

    first = directory()
    assert first.parent == tmp_path / "home" / "cache"
    seen = {first}
    sources = kernel_sources(tree / "papertape")
    for path in sources:
        with path.open("a") as source:
            source.write("\n")
        seen.add(directory())
    assert len(seen) == 1 + len(sources)
    latest = directory()
    with (tree / "papertape" / "core" / "errors.py").open("a") as source:
        source.write("\n")
    assert directory() == latest
    (tree / "papertape" / "core" / "kernels.py").write_text("")
    assert directory() not in seen


def test_kernels_take_nothing_from_modules_that_the_directory_is_not_named_by() -> None:
    kernels = [*PACKAGE.rglob("kernels.py"), *PACKAGE.rglob("kernels/*.py")]
    assert kernels
    for path in kernels:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("papertape"):
                names = [f"{node.module}.{alias.name}" for alias in node.names]
                modules = [name for name in [node.module or "", *names] if is_module(name)]
                *_, parent, name = modules[-1].split(".")
                assert f"{name}.py" in papertape.KERNEL_SOURCES or parent == "kernels", f"{path}: {modules[-1]}"


def is_module(name: str) -> bool:
    return (PACKAGE.parent / name.replace(".", "/")).with_suffix(".py").exists()


def test_a_second_process_finds_what_the_first_compiled(tree: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    result, compiled, hits, cache_path = json.loads(run(tree, home, USE_KERNEL))
    assert result == [True, 4]
    assert "papertape.core.fixed.kernels.mul_div" in compiled
    assert hits == 0
    assert Path(cache_path).is_relative_to(home / "cache")
    files = sorted((home / "cache").rglob("*.nb*"))
    assert files

    assert json.loads(run(tree, home, USE_KERNEL)) == [[True, 4], [], 1, cache_path]
    assert sorted((home / "cache").rglob("*.nb*")) == files


def test_numba_imported_before_still_caches_in_our_directory(tree: Path, tmp_path: Path) -> None:
    *_, cache_path = json.loads(run(tree, tmp_path / "home", "import numba\n" + USE_KERNEL))
    assert Path(cache_path).is_relative_to(tmp_path / "home" / "cache")


def test_without_a_writable_directory_kernels_compile_and_nothing_is_cached(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file where the directory should be")
    result, compiled, hits, cache_path = json.loads(run(tree, tmp_path / "home", USE_KERNEL))
    assert (result, hits, cache_path) == ([True, 4], 0, "None")
    assert "papertape.core.fixed.kernels.mul_div" in compiled
    assert not list(tree.rglob("*.nb*"))


def test_importing_the_package_imports_nothing_heavy(tree: Path, tmp_path: Path) -> None:
    script = "import sys, papertape; print([name for name in ('numba', 'numpy', 'llvmlite', 'platformdirs') if name in sys.modules])"
    assert run(tree, tmp_path, script) == "[]"


def test_the_watch_ends_with_its_block() -> None:
    names: list[str] = []
    add = numba.njit(lambda a, b: a + b)
    with watch_compiles(names.append):
        assert add(1, 2) == 3
    assert len(names) == 1
    assert add(1.5, 2) == 3.5
    assert len(names) == 1

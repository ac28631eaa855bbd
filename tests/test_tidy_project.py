"""The project as a whole: what its files may name, hold and need."""

import ast
import re
import sys
import tomllib

import pytest

from tests.tree import PYTHON_FILES, ROOT, in_package, our_files

FILE_BYTES_MAX = 1 << 20

COMES_WITH = {"llvmlite": "numba"}
"""Packages that a dependency brings in the one version that fits it, so that we must not name them."""

HOSTS = {
    "api-gcp.binance.com",
    "api.binance.com",
    "data-api.binance.vision",
    "data-stream.binance.vision",
    "stream.binance.com",
    "fapi.binance.com",
    "fstream.binance.com",
    "127.0.0.1",
}
"""All that the package can reach without being told another address: market data, and this machine."""

FOREIGN_PLACES = re.compile(
    r"(?<![\w.$}])/(work|root|tmp|home/\w+)(?=/|\b)|pyp[i]\.org|pythonhoste[d]|npmj[s]\.org|crate[s]\.io"
)


def foreign_places(text: str) -> list[str]:
    """Paths of somebody's machine and hosts of package registries."""
    return [match.group() for match in FOREIGN_PLACES.finditer(text)]


def test_no_foreign_place_is_named() -> None:
    found = []
    for path in our_files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{path.relative_to(ROOT)}: {place}" for place in foreign_places(text)]
    assert not found, "\n" + "\n".join(found)


def test_foreign_places_can_be_found() -> None:
    assert foreign_places("open('/" + "tmp/x')") == ["/" + "tmp"]
    assert foreign_places("cd /" + "work/main") == ["/" + "work"]
    assert foreign_places("https://py" + "pi.org/simple")
    assert foreign_places("tests/tmp, network/work, ./root, tmp_path, $HOME/work") == []


def lock_faults(text: str) -> list[str]:
    """Lines of a lock that are anything but an exact version with hashes."""
    faults = [line for line in text.splitlines() if re.search(r"://|@|\bfile:|^\s*--(?!hash=sha256:)", line)]
    blocks = text.replace("\\\n", " ").splitlines()
    pinned = re.compile(r"[a-z0-9-]+==\S+ .*--hash=sha256:")
    return faults + [block[:80] for block in blocks if block.strip() and not pinned.match(block)]


def test_lock_names_versions_and_hashes_and_no_address() -> None:
    assert lock_faults((ROOT / "requirements.lock").read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "line",
    [
        "--index-url https://example.org/simple",
        "pytest==9.0.0",
        "pytest>=9 \\\n    --hash=sha256:00",
        "pytest @ https://example.org/pytest.whl --hash=sha256:00",
        "--find-links wheels",
    ],
)
def test_lock_faults_can_be_found(line: str) -> None:
    assert lock_faults("numpy==2.4.6 \\\n    --hash=sha256:00\n") == []
    assert lock_faults(line)


def test_no_file_is_large() -> None:
    large = [f"{path.relative_to(ROOT)}" for path in our_files() if path.stat().st_size > FILE_BYTES_MAX]
    assert not large, f"larger than {FILE_BYTES_MAX} bytes: {large}"


def imported_packages() -> set[str]:
    """Top-level names that the package imports from outside itself and the standard library."""
    names: set[str] = set()
    for path in PYTHON_FILES:
        if in_package(path):
            for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    names.update(alias.name.split(".")[0] for alias in node.names)
                elif isinstance(node, ast.ImportFrom) and not node.level:
                    names.add((node.module or "").split(".")[0])
    return names - set(sys.stdlib_module_names) - {"papertape"}


def test_dependencies_are_exactly_what_is_imported() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {re.split(r"[^\w-]", requirement)[0] for requirement in project["dependencies"]}
    imported = imported_packages() - COMES_WITH.keys()
    assert declared - imported == set(), "declared and not imported"
    assert imported - declared == set(), "imported and not declared"


def hosts_of(text: str) -> set[str]:
    """Hosts of the addresses that a source names; one that is put together at run time is not among them."""
    return set(re.findall(r"\b(?:https?|wss?)://([\w.-]+)", text))


def test_nothing_is_reached_but_market_data() -> None:
    named = {path: hosts_of((ROOT / path).read_text(encoding="utf-8")) for path in PYTHON_FILES if in_package(path)}
    assert {host for hosts in named.values() for host in hosts} == HOSTS, "no telemetry, ever"
    assert hosts_of("post('https://stats.example.org/v1')") == {"stats.example.org"}

"""papertape: listen to live markets, keep every tick on one tape, trade it on paper, judge the result honestly."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__version__ = "0.1.0"

KERNEL_SOURCES = ("jit.py", "kernels.py", "records.py", "rows.py", "state_hash.py", "view.py")
"""File names of the modules that make kernels what they are, with all in folders named `kernels`; kernels import nothing
else of papertape."""


def kernel_cache_dir() -> Path:
    """Where compiled kernels are cached: named by all kernel sources, numba, numpy, Python and the processor.

    numba notices only edits in a function's own file, not in the functions it calls; with every source in the
    name, old code cannot be found. Under PAPERTAPE_CACHE, else PAPERTAPE_HOME/cache, else the user's cache directory.
    """
    # Here and not above, so that `import papertape` stays cheap.
    import hashlib
    import os
    import platform
    from importlib.metadata import version
    from pathlib import Path

    import llvmlite.binding
    import platformdirs

    digest = hashlib.blake2b(digest_size=12)
    package = Path(__file__).parent
    for path in sorted(
        path for path in package.rglob("*.py") if path.name in KERNEL_SOURCES or path.parent.name == "kernels"
    ):
        digest.update(f"{path.relative_to(package).as_posix()}\0".encode())
        digest.update(hashlib.blake2b(path.read_bytes()).digest())
    processor = (llvmlite.binding.get_host_cpu_name(), llvmlite.binding.get_host_cpu_features().flatten())
    for part in (version("numba"), version("numpy"), platform.python_version(), platform.machine(), *processor):
        digest.update(f"{part}\0".encode())
    cache, home = os.environ.get("PAPERTAPE_CACHE"), os.environ.get("PAPERTAPE_HOME")
    base = platformdirs.user_cache_path("papertape", appauthor=False)
    if cache or home:
        base = Path(cache) if cache else Path(home or "") / "cache"
    return base / f"kernels-{digest.hexdigest()}"


def use_kernel_cache() -> Path | None:
    """Make numba cache in `kernel_cache_dir()`; None when that cannot be written, and then nothing may be cached.

    To be called before numba is imported; if it is already, its configuration is read again.
    """
    import os
    import sys
    import tempfile

    directory = kernel_cache_dir()
    try:
        directory.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=directory).close()
    except OSError:
        # numba would fall back to __pycache__, where stale callees are found: kernels compile anew instead.
        return None
    os.environ["NUMBA_CACHE_DIR"] = str(directory)
    if "numba" in sys.modules:
        sys.modules["numba"].config.reload_config()
    return directory

"""The one door to numba: every kernel is made by this `njit`, so that all share one cache and one set of options."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, overload

from papertape import use_kernel_cache

# The cache directory must be named before numba is imported.
_CACHED = use_kernel_cache() is not None

import numba  # noqa: E402
import numpy as np  # noqa: E402
from numba.core import event  # noqa: E402

F = TypeVar("F", bound=Callable[..., Any])


@overload
def njit(target: F) -> F: ...
@overload
def njit(target: object) -> Callable[[F], F]: ...
def njit(target: Any) -> Any:
    """`@njit`, or `@njit(signature)` to compile when the module is imported: cached on disk, no fast or parallel maths.

    With the environment variable NUMBA_DISABLE_JIT=1 the function stays plain Python.
    """
    return numba.njit(target, cache=_CACHED)


def njit_inline(function: F) -> F:
    """As `njit`, always laid into its callers: for the few steps that every record takes."""
    made: F = numba.njit(function, cache=_CACHED, forceinline=True)
    return made


def array_of(dtype: np.dtype[Any], *, writable: bool) -> Any:
    """The type of a contiguous array of structured records, for explicit signatures.

    A signature that does not write takes writable and read-only (mapped) arrays alike, with one compilation.
    """
    return numba.types.Array(numba.from_dtype(dtype), 1, "C", readonly=not writable)


class _CompileListener(event.Listener):
    def __init__(self, on_compile: Callable[[str], None]) -> None:
        self._on_compile = on_compile

    def on_start(self, event: Any) -> None:
        function = event.data["dispatcher"].py_func
        self._on_compile(f"{function.__module__}.{function.__qualname__}")

    def on_end(self, event: Any) -> None:
        """A compile that ended needs no word."""


@contextmanager
def watch_compiles(on_compile: Callable[[str], None]) -> Iterator[None]:
    """Inside, `on_compile` is told the full name of each kernel whose compilation starts; the cache is silent."""
    with event.install_listener("numba:compile", _CompileListener(on_compile)):
        yield

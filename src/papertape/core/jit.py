"""The one door to numba: every kernel is made by this `njit`, so that all share one cache and one set of options."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, overload

from papertape import use_kernel_cache

# The cache directory must be named before numba is imported.
_CACHED = use_kernel_cache() is not None

import numba  # noqa: E402
import numpy as np  # noqa: E402
from llvmlite import ir  # noqa: E402
from numba import carray, types  # type: ignore[attr-defined]  # noqa: E402
from numba.core import event  # noqa: E402
from numba.extending import intrinsic  # noqa: E402

F = TypeVar("F", bound=Callable[..., Any])


@overload
def njit(target: F) -> F: ...
@overload
def njit(target: object) -> Callable[[F], F]: ...
def njit(target: Any) -> Any:
    """`@njit`, or `@njit(signature)` to compile when the module is imported: cached on disk, no fast or parallel maths.

    With the environment variable NUMBA_DISABLE_JIT=1 the function stays plain Python.
    """
    made = numba.njit(target, cache=_CACHED)
    return _once(made) if callable(target) else made


def _once(kernel: Any) -> Any:
    """`kernel`, compiled once for all integers: numba would compile it anew for each constant that it is called with."""
    if numba.config.DISABLE_JIT:  # type: ignore[attr-defined]
        return kernel
    template_of = kernel.get_call_template

    def without_constants(arguments: Any, named: Any) -> Any:
        plain: Any = types.unliteral
        return template_of(tuple(map(plain, arguments)), {name: plain(one) for name, one in named.items()})

    kernel.get_call_template = without_constants
    return kernel


def njit_inline(function: F) -> F:
    """As `njit`, always laid into its callers: for the few steps that every record takes."""
    made: F = numba.njit(function, cache=_CACHED, forceinline=True)
    return made


def array_of(dtype: np.dtype[Any], *, writable: bool) -> Any:
    """The type of a contiguous array of structured records, for explicit signatures.

    A signature that does not write takes writable and read-only (mapped) arrays alike, with one compilation.
    """
    return numba.types.Array(numba.from_dtype(dtype), 1, "C", readonly=not writable)


@intrinsic
def _pointer(typing_context: Any, address: Any) -> Any:
    """The pointer behind an integer address."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], context.get_value_type(types.voidptr))

    return types.voidptr(types.int64), codegen


@intrinsic
def _call(typing_context: Any, address: Any, state: Any, number: Any, record: Any) -> Any:
    """Call the C function at `address` with two records, as pointers, and a number between them."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        word, pointer = ir.IntType(64), ir.PointerType(ir.IntType(8))
        function = ir.FunctionType(word, [pointer, word, pointer])
        target, first, middle, last = arguments
        first, last = (builder.bitcast(one, pointer) for one in (first, last))
        return builder.call(builder.inttoptr(target, function.as_pointer()), [first, middle, last])

    return types.int64(types.int64, state, types.int64, record), codegen


if numba.config.DISABLE_JIT:  # type: ignore[attr-defined]

    def at_address(address: int, count: int, dtype: Any) -> Any:
        """The array of `count` records at an address."""
        import ctypes

        return carray(ctypes.c_void_p(address), count, dtype).view(np.recarray)

    def call_at(function: Any, state: Any, number: int, record: Any) -> Any:
        """Call a compiled strategy: plain Python here."""
        return function(state, number, record)

else:

    @numba.njit
    def at_address(address: int, count: int, dtype: Any) -> Any:
        """The array of `count` records at an address."""
        return carray(_pointer(address), count, dtype)  # type: ignore[call-arg]

    call_at = _call  # type: ignore[assignment]
    """Call the C function at an address with a record, a number and a record."""


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

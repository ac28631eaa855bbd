"""What handlers may ask of their surroundings: progress, notes to the operator, the compiled market."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from papertape.core.book.compiled import CompiledMarket

PROGRESS_AFTER_S = 2.0


class Shell:
    """The command line's surroundings. Everything it says goes to standard error."""

    def say(self, text: str) -> None:
        """One line for the person who watches."""
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()

    def compiled_market(self) -> "CompiledMarket":
        """A compiled market, its kernels ready."""
        from papertape.core.book import compiled  # numba comes only with the commands that need it

        self._compile(compiled.warm_up, "about ten seconds")
        return compiled.CompiledMarket()

    def compile_engine(self) -> None:
        """Make the engine's kernels ready."""
        from papertape.paper_trading.engine import engine

        self._compile(engine.warm_up, "half a minute or less")

    def _compile(self, warm_up: Callable[[], None], takes: str) -> None:
        """Call `warm_up`; the first compilation on a machine is announced, and shows that it goes on."""
        from papertape.core.jit import watch_compiles

        announced = False

        def announce(kernel: str) -> None:
            nonlocal announced
            if not announced:
                self.say(f"compiling the kernels, once on this machine ({takes}) …")
            announced = True

        with watch_compiles(announce):
            warm_up()

    @contextmanager
    def progress(self, doing: str, total: int | None) -> Iterator[Callable[[int], None]]:
        """A progress bar on a terminal for what takes longer than two seconds; it is told how much more is done."""
        if not sys.stderr.isatty():
            yield lambda _: None
            return
        from rich.console import Console
        from rich.progress import Progress

        with Progress(console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(doing, total=total)
            yield lambda more: bar.update(task, advance=more)

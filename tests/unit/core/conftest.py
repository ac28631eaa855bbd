import os
import subprocess
import sys
from collections.abc import Callable

import pytest


@pytest.fixture
def interpreted() -> Callable[[str, str], str]:
    """What a function of a test file gives in a process where kernels are plain Python and every warning is an error."""

    def call(file: str, function: str) -> str:
        script = f"import runpy; print(runpy.run_path({file!r})[{function!r}]())"
        answer = subprocess.run(
            [sys.executable, "-W", "error", "-c", script],
            env={**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert answer.returncode == 0, answer.stderr
        return answer.stdout.strip()

    return call

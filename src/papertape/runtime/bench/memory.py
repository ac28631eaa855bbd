"""Peak memory of this process."""

import sys
from pathlib import Path


def peak_rss_mb() -> float:
    """Peak resident set in MB; 0 where the system does not tell."""
    if sys.platform == "win32":
        return 0.0
    if Path("/proc/self/status").exists():
        # What getrusage tells is inherited from whoever started this process.
        status = Path("/proc/self/status").read_text(encoding="ascii")
        return round(int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e6, 1)
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # macOS counts in bytes, others in KiB.
    return round(peak / (1e6 if sys.platform == "darwin" else 1e3), 1)

"""Peak memory of this process."""

import sys


def peak_rss_mb() -> float:
    """Peak resident set in MB; 0 where the system does not tell."""
    if sys.platform == "win32":
        return 0.0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts in KiB, macOS in bytes.
    return round(peak / (1e6 if sys.platform == "darwin" else 1e3), 1)

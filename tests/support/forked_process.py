"""Starts programs as forks of one process that has imported the whole server, so that a start costs no two seconds of a core.

Python's own fork server makes the forks: a process without threads or event loop, which ends with the test run. What is forked
gets arguments, environment, output and process group as a new interpreter would; tests of the start itself take one of those.
"""

import ctypes
import multiprocessing
import os
import runpy
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_PRELOADED = (
    "server",
    "app.admin",
    "app.administration",
    "app.counters",
    "app.serving",
    "app.supervisor",
    "app.worker",
    "persistence.documents.integrity",
    "persistence.documents.reindex",
    "seed.documents",
    "uvloop",
    "tests.support.forked_heap",
)
_PR_SET_PDEATHSIG = 1


@cache
def _context() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*_PRELOADED])
    return context


def fork_program(
    main: Callable[[list[str]], int], arguments: Sequence[str], *, output: Path, environment: Mapping[str, str]
) -> ForkServerProcess:
    """A started process that calls a function of a module with these arguments; its exit code is what that returns."""
    given = (main, list(arguments), str(output), dict(environment))
    process = _context().Process(target=_run, args=given)
    process.start()
    return process


def server_main(arguments: list[str]) -> int:
    """What `python server.py` does with these arguments."""
    import server

    return server.main(arguments)


def module_main(arguments: list[str]) -> int:
    """What `python -m` does with a module and these arguments of it."""
    sys.argv = arguments
    runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
    return 0


def _run(main: Callable[[list[str]], int], arguments: list[str], output: str, environment: dict[str, str]) -> None:
    os.setsid()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    os.chdir(_ROOT)
    os.environ.clear()  # noqa: TID251 (the environment of another process is made here)
    os.environ.update(environment)  # noqa: TID251
    for number, path, flags in ((0, os.devnull, os.O_RDONLY), (1, output, os.O_WRONLY | os.O_CREAT | os.O_APPEND)):
        opened = os.open(path, flags, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    os.dup2(1, 2)
    sys.exit(main(arguments))

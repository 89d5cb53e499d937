"""Entry point of a document worker process (`persistence.documents.worker_pool`): runs jobs from standard input until it ends.

Its arguments are the parent's process id and the bytes of memory that it may have; it dies with the parent. It imports what a
job names, and nothing that opens anything.
"""

import ctypes
import math
import os
import pickle
import resource
import signal
import struct
import sys
import traceback
from typing import Any, BinaryIO, Final

from domain.errors import DomainError

LENGTH_PREFIX: Final = struct.Struct("!Q")
_MAX_ANSWER_BYTES: Final = 256 * 1024 * 1024
_NICENESS: Final = 5
_PR_SET_PDEATHSIG: Final = 1


def main(parent: int, memory_bytes: int) -> None:
    """Run jobs until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole process group: the parent decides
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    if os.getppid() != parent:
        return
    os.nice(_NICENESS)
    sys.setrecursionlimit(4_000)  # rendering goes as deep as a document nests, several calls for each level
    jobs, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # nothing that prints may come between answers
    while head := jobs.read(LENGTH_PREFIX.size):
        answer = _run_next_job(jobs, LENGTH_PREFIX.unpack(head)[0])
        if len(answer) > _MAX_ANSWER_BYTES:
            return
        answers.write(LENGTH_PREFIX.pack(len(answer)))
        answers.write(answer)
        answers.flush()


def _run_next_job(jobs: BinaryIO, length: int) -> bytes:
    """Run the next job; pickled (True, result), (False, (class, arguments, attributes) of an error), or (False, a bug's
    traceback)."""
    seconds, (function, args, kwargs) = pickle.loads(jobs.read(length))  # noqa: S301 (from the parent)
    used = resource.getrusage(resource.RUSAGE_SELF)
    limit = math.ceil(used.ru_utime + used.ru_stime + seconds)
    resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))  # beyond it the kernel ends the process
    answer: tuple[bool, Any]
    try:
        answer = True, function(*args, **kwargs)
    except DomainError as error:
        answer = False, (type(error), error.args, error.__dict__)
    except (MemoryError, RecursionError):
        raise  # ends the process, which frees what it held
    except Exception:  # noqa: BLE001 (a bug, which the parent masks and logs)
        answer = False, traceback.format_exc()
    return pickle.dumps(answer, pickle.HIGHEST_PROTOCOL)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))

"""Starts a program that dies with its parent, if needed as another user and over folders which that user cannot reach.

Used twice: imported, `tied_to_parent` returns the command line to start; started by that command line, this file prepares itself
and becomes the program, so the program has the process id that the parent knows. A program of its own, rather than `subprocess`'
`preexec_fn`, because Python code between fork and exec can deadlock in a program with threads.

The order matters:
1. folders are opened while still privileged;
2. the user changes, which also cancels any request for a signal on the parent's death;
3. the signal is requested (it survives exec, as no program started here is set-uid or has file capabilities);
4. only then it is checked that the parent has not ended already.

Linux sends that signal when the *thread* that forked ends: start it from a thread that outlives the program. Other systems have
no such request; there an orphan lives on, and the lock that it inherited keeps the next start out of its folder.
"""

import ctypes
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

_PR_SET_PDEATHSIG = 1
_DESCRIPTOR_FOLDER = "/proc/self/fd"


@dataclass(frozen=True, slots=True)
class Account:
    """The ids of a user and a group; neither needs an entry in the system's list of users."""

    uid: int
    gid: int


def tied_to_parent(
    command: Sequence[str],
    *,
    parent_death_signal: signal.Signals = signal.SIGKILL,
    account: Account | None = None,
    folders: Mapping[str, Path] | None = None,
) -> list[str]:
    """The command line that runs `command`, and sends it `parent_death_signal` when the thread that starts it ends.

    Each `{name}` in `command` becomes a path to `folders[name]`. Where the user changes, that is the path of a descriptor which
    the program inherits: it leads into the folder whatever the folders above it permit. The program has the environment that its
    starter passes.
    """
    order = {
        "parent": os.getpid(),
        "parent_death_signal": int(parent_death_signal),
        "account": [account.uid, account.gid] if account else None,
        "folders": {name: str(folder) for name, folder in (folders or {}).items()},
        "command": list(command),
    }
    return [sys.executable, "-I", "-S", __file__, json.dumps(order)]


def _exec(order_text: str) -> NoReturn:
    order = json.loads(order_text)
    command: list[str] = order["command"]
    for name, folder in order["folders"].items():
        path = _descriptor_path(folder) if order["account"] else folder
        command = [argument.replace(f"{{{name}}}", path) for argument in command]

    os.umask(0o077)
    if order["account"]:
        uid, gid = order["account"]
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(_PR_SET_PDEATHSIG, order["parent_death_signal"], 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != order["parent"]:
        raise SystemExit("The parent has ended already.")
    os.execv(command[0], command)  # noqa: S606 - that is what it is for


def _descriptor_path(folder: str) -> str:
    """A path to `folder` for a program that inherits our descriptors; its own path where the system has no such paths."""
    if not os.path.isdir(_DESCRIPTOR_FOLDER):
        return folder
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    os.set_inheritable(descriptor, True)
    return f"{_DESCRIPTOR_FOLDER}/{descriptor}"


if __name__ == "__main__":
    _exec(sys.argv[1])

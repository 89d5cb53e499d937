"""Decide as whom Postgres runs: as ourselves, or, where we are root, as somebody who can do nothing else."""

import os
import pwd
from dataclasses import dataclass
from pathlib import Path

from embedded.child_process import Account

# Between the ranges that Debian and systemd hand out, and below 65536, so that it also exists inside most containers. A
# number without a name:
# as `nobody`, other programs that run as `nobody` could read the files and stop the server.
_DEFAULT_ACCOUNT = Account(60718, 60718)


@dataclass(frozen=True, slots=True)
class Accounts:
    """`maker` makes a new cluster, for initdb wants a user with a name; `owner` keeps and serves it."""

    creator: Account
    owner: Account


def accounts_for(cluster: Path) -> Accounts | None:
    """Who shall make and who shall serve `cluster`; None stands for ourselves.

    A cluster that a user made before stays that user's, so that they can go on without root.
    """
    if os.geteuid() != 0:
        return None
    owner = cluster.stat() if cluster.exists() else None
    return Accounts(
        creator=_named_account(),
        owner=Account(owner.st_uid, owner.st_gid) if owner and owner.st_uid != 0 else _DEFAULT_ACCOUNT,
    )


def chown_tree(folder: Path, account: Account | None) -> None:
    """Make `folder` and all in it belong to `account`; nothing changes for None or if it does already."""
    if account is None or folder.stat().st_uid == account.uid:
        return
    for path in (*folder.rglob("*"), folder):  # the folder last: it tells that all is done
        os.chown(path, account.uid, account.gid, follow_symlinks=False)


def _named_account() -> Account:
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        entry = next(entry for entry in pwd.getpwall() if entry.pw_uid != 0)
    return Account(entry.pw_uid, entry.pw_gid)

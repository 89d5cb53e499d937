"""Decides as which user Postgres runs: as the user of this program, or, instead of root, as one that owns nothing else."""

import os
import pwd
from dataclasses import dataclass
from pathlib import Path

from embedded.child_process import Account

# Between the ranges of Debian and systemd, and below 65536, so that it also exists inside most containers. A number without a
# name: other programs that run as `nobody` could read the files of `nobody` and stop its server.
_DEFAULT_ACCOUNT = Account(60718, 60718)


@dataclass(frozen=True, slots=True)
class Accounts:
    """`creator` makes a new cluster, since initdb needs a user with a name; `owner` owns and serves it."""

    creator: Account
    owner: Account


def accounts_for(cluster: Path) -> Accounts | None:
    """The accounts that make and serve `cluster`; None for the user of this program.

    A cluster that a user made before stays theirs, so that they can go on without root.
    """
    if os.geteuid() != 0:
        return None
    owner = cluster.stat() if cluster.exists() else None
    return Accounts(
        creator=_named_account(),
        owner=Account(owner.st_uid, owner.st_gid) if owner and owner.st_uid != 0 else _DEFAULT_ACCOUNT,
    )


def chown_tree(folder: Path, account: Account | None) -> None:
    """Make `folder` and everything in it belong to `account`; nothing changes for None, or if it does already."""
    if account is None or folder.stat().st_uid == account.uid:
        return
    for path in (*folder.rglob("*"), folder):  # the folder last: it marks that all is done
        os.chown(path, account.uid, account.gid, follow_symlinks=False)


def _named_account() -> Account:
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        entry = next(entry for entry in pwd.getpwall() if entry.pw_uid != 0)
    return Account(entry.pw_uid, entry.pw_gid)

"""Migrates the database to the tables of `persistence.tables`. Each migration is a module in `versions`, run by alembic.

`upgrade` holds an advisory lock, so that processes that start together migrate once. Alembic is imported only when there is
something to do: the newest revision can be read from the first lines of the files, and start-up and readiness need only that.
"""

import re
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent
_REVISION = re.compile(r'^revision = "(\w+)"$', re.MULTILINE)
_DOWN_REVISION = re.compile(r'^down_revision = "(\w+)"$', re.MULTILINE)


@cache
def head_revision() -> str:
    """The revision that a database has once every migration has run."""
    texts = _texts()
    followed = {found.group(1) for text in texts if (found := _DOWN_REVISION.search(text))}
    (head,) = known_revisions() - followed
    return head


def is_up_to_date(revision: str | None) -> bool:
    """Whether a database of this revision has what this version needs: all migrations, also when a newer version added some."""
    return revision is not None and (revision == head_revision() or revision not in known_revisions())


@cache
def known_revisions() -> frozenset[str]:
    """All revisions of this version."""
    return frozenset(found.group(1) for text in _texts() if (found := _REVISION.search(text)))


def _texts() -> list[str]:
    return [path.read_text() for path in (_FOLDER / "versions").glob("*.py")]


def upgrade(url: str, revision: str = "head") -> None:
    """Bring the database at a `postgresql://` address to a revision, the newest by default.

    Blocks; not for the event loop's thread.
    """
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.attributes["url"] = url
    command.upgrade(config, revision)

"""Migrations: how the database came to be what `persistence.tables` says. Each is a module in `versions`, run by alembic.

`upgrade` holds an advisory lock, so that processes that start together migrate once. Alembic is imported only when there is
something to do: what the newest revision is can be told from the files' first lines, and start-up and readiness ask just that.
"""

import re
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
_REVISION = re.compile(r'^revision = "(\w+)"$', re.MULTILINE)
_DOWN = re.compile(r'^down_revision = "(\w+)"$', re.MULTILINE)


@cache
def newest() -> str:
    """The revision that a database has once every migration has run."""
    texts = _texts()
    followed = {found.group(1) for text in texts if (found := _DOWN.search(text))}
    (head,) = known() - followed
    return head


def reached(revision: str | None) -> bool:
    """Whether a database of this revision has what this version needs: all migrations, also when a newer version added some."""
    return revision is not None and (revision == newest() or revision not in known())


@cache
def known() -> frozenset[str]:
    """All revisions of this version."""
    return frozenset(found.group(1) for text in _texts() if (found := _REVISION.search(text)))


def _texts() -> list[str]:
    return [path.read_text() for path in (HERE / "versions").glob("*.py")]


def upgrade(url: str) -> None:
    """Bring the database at a `postgresql://` address to the newest revision. Blocks; not for the event loop's thread."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(HERE).replace("%", "%%"))
    config.attributes["url"] = url
    command.upgrade(config, "head")

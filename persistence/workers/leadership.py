"""Chooses one leader among workers: the one whose session holds an advisory lock.

The lock ends with the session: when the process ends, when the connection breaks, and when Postgres has heard nothing for 30
seconds, because the machine or the network is gone. The leader asks after its session much more often than that, and stops when
it gets no answer. Between two checks, two may believe that they lead, so what a leader does must bear being done by two at once.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from persistence.engine.session import Session, open_session

_LOCK_NAME: Final = "pantherahive workers"
_TRY: Final = "SELECT pg_try_advisory_lock(hashtextextended($1, 0))"
_LIMIT_SILENCE: Final = "SELECT set_config('idle_session_timeout', '30s', false)"


class Candidate:
    """A session that may lead."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def try_to_lead(self) -> bool:
        """Whether this is the leader now. Raises Unavailable."""
        leads: bool = await self._session.fetch_value(_TRY, _LOCK_NAME)
        return leads

    async def check(self) -> None:
        """Make sure that the session still stands. Raises Unavailable."""
        await self._session.ping()


@asynccontextmanager
async def open_candidate(url: str) -> AsyncIterator[Candidate]:
    """A candidate, who leads no more when the block ends. Raises Unavailable."""
    async with open_session(url, name="worker leads") as session:
        await session.fetch_value(_LIMIT_SILENCE)
        yield Candidate(session)

"""Numbers and ranks of tasks that operations of this process are about to store.

A task that is created or moved without a transaction gets its rank from what is stored, so two that are put at one place at the
same time would get the same. *Ranks* are therefore reserved from when they are chosen until their operation ends, and count as
stored for others of the process. Operations of other processes may choose the same: the index of ranks refuses the later one,
which then runs again.

*Numbers* are reserved by a statement of their own, those of all who wait for one of the same team at once. It need not be durable
when it returns: the tasks that bear the numbers are written to the log behind it. A number whose operation has to run again is
taken by the next one; the number of one that fails otherwise stays unused.

Rejected: the next number in the statement that stores the task (the key stands in the event, the search index and the answer);
numbers by optimistic comparison (with two processes in one team half of the attempts fail).
"""

import asyncio
from collections import Counter
from typing import Final
from uuid import UUID
from weakref import WeakKeyDictionary, ref

from sqlalchemy import Integer, Uuid, bindparam, func, literal_column, select

from domain.errors import NotFound, Unavailable
from persistence.engine.batch_scheduler import Batch, BatchScheduler
from persistence.engine.database import Database
from persistence.engine.statement import Statement
from persistence.tables import teams

_MAX_CONCURRENT_STATEMENTS: Final = 4
_MAX_UNUSED_NUMBERS: Final = 10_000
_unsynced = select(
    func.set_config(literal_column("'synchronous_commit'"), literal_column("'off'"), literal_column("true")).label("value")
).subquery("unsynced")
_RESERVE = Statement(
    teams.update()
    .where(teams.c.id == bindparam("id", type_=Uuid), _unsynced.c.value == literal_column("'off'"))
    .values(last_task_number=teams.c.last_task_number + bindparam("count", type_=Integer))
    .returning(teams.c.last_task_number)
)


class TaskPlaces:
    """The reservations of one process in one database."""

    def __init__(self, database: Database) -> None:
        self._database = ref(database)  # which is the key under which this is found
        self._ranks: dict[UUID, Counter[str]] = {}
        """By project; bounded by the operations under way, as what follows."""
        self._waiting: dict[UUID, list[asyncio.Future[int]]] = {}
        """By team, in their order."""
        self._busy_teams: set[UUID] = set()
        self._unused: dict[UUID, list[int]] = {}
        """By team, the highest first."""
        self._scheduler = BatchScheduler(self._next_batch, max_concurrent=_MAX_CONCURRENT_STATEMENTS)

    def ranks_in(self, project_id: UUID) -> frozenset[str]:
        """The ranks that are reserved in a project."""
        return frozenset(self._ranks.get(project_id, ()))

    def reserve_rank(self, project_id: UUID, rank: str) -> None:
        """Let a rank count as stored until it is released."""
        self._ranks.setdefault(project_id, Counter())[rank] += 1

    def release_rank(self, project_id: UUID, rank: str) -> None:
        """Release a rank that was reserved."""
        ranks = self._ranks[project_id]
        ranks[rank] -= 1
        if not ranks[rank]:
            del ranks[rank]
        if not ranks:
            del self._ranks[project_id]

    def take_unused_number(self, team_id: UUID) -> int | None:
        """A number that was reserved for a task that was not stored."""
        numbers = self._unused.get(team_id)
        if numbers is None:
            return None
        number = numbers.pop()
        if not numbers:
            del self._unused[team_id]
        return number

    def release_number(self, team_id: UUID, number: int) -> None:
        """Let somebody else take a number, with which nothing was stored."""
        if sum(map(len, self._unused.values())) < _MAX_UNUSED_NUMBERS:
            numbers = self._unused.setdefault(team_id, [])
            numbers.append(number)
            numbers.sort(reverse=True)

    async def reserve_number(self, team_id: UUID) -> int:
        """A number of a team's task keys that nobody else gets."""
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(team_id, []).append(future)
        self._scheduler.schedule()
        return await future

    def _next_batch(self) -> Batch | None:
        """The next team with somebody waiting whose row no other statement is about."""
        team_id = next((each for each in self._waiting if each not in self._busy_teams), None)
        if team_id is None:
            return None
        self._busy_teams.add(team_id)
        return Batch(self._send(team_id, self._waiting.pop(team_id)))

    async def _send(self, team_id: UUID, waiting: list["asyncio.Future[int]"]) -> None:
        try:
            database = self._database()
            last = None if database is None else await database.fetch_value(_RESERVE, id=team_id, count=len(waiting))
            if last is None:
                raise NotFound
            for number, future in enumerate(waiting, last - len(waiting) + 1):
                if not future.done():
                    future.set_result(number)
        except BaseException as error:
            for future in waiting:
                if not future.done():
                    future.set_exception(error if isinstance(error, Exception) else Unavailable())
                    future.exception()  # marks it as retrieved: its caller may be gone
            if not isinstance(error, Exception):
                raise
        finally:
            self._busy_teams.discard(team_id)


_by_database: WeakKeyDictionary[Database, TaskPlaces] = WeakKeyDictionary()


def places_of(database: Database) -> TaskPlaces:
    """The reservations in a database."""
    database = database.whole
    found = _by_database.get(database)
    if found is None:
        found = _by_database[database] = TaskPlaces(database)
    return found

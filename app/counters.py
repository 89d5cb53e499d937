"""Verifies and rebuilds the numbers of tasks that are kept, for operators on the command line."""

from app.service_database import CannotStart, open_database_url
from app.settings import Settings
from app.start_checks import require_migrated
from persistence.engine.database import open_database
from persistence.stores import task_counts


async def verify_counters(settings: Settings) -> str:
    """What was compared. Raises CannotStart where kept numbers are wrong."""
    async with open_database_url(settings) as url:
        await require_migrated(url)
        async with open_database(url, max_connections=2) as database:
            wrong = await task_counts.wrong_projects(database)
    if wrong:
        named = "\n".join(map(str, wrong))
        raise CannotStart(
            f"The numbers of tasks of {len(wrong)} projects are wrong; `admin rebuild-counters` counts anew:\n{named}"
        )
    return "The numbers of tasks of all projects are right."


async def rebuild_counters(settings: Settings) -> str:
    """Count the tasks of all projects anew; what was done."""
    async with open_database_url(settings) as url:
        await require_migrated(url)
        async with open_database(url, max_connections=2) as database:
            return f"The tasks of {await task_counts.rebuild(database)} projects were counted."

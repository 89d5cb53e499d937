"""A worker process that does people's jobs over a database until it is ended: `python -m tests.support.job_worker URL FOLDER`."""

import asyncio
import sys
from pathlib import Path

from app.bootstrap import open_resources
from app.settings import Settings
from app.worker import run_worker
from tests.support.worker_effects import FAST_TIMINGS
from workers.jobs import JOBS


async def main(url: str, folder: Path) -> None:
    """Work until the process is killed."""
    settings = Settings(database_connections=8, data_dir=folder)
    async with (
        open_resources(settings, url) as resources,
        run_worker(resources, settings, url, consumers=(), jobs=JOBS, schedules=(), timings=FAST_TIMINGS),
    ):
        print("ready", flush=True)  # noqa: T201 (who started it waits for this)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))

"""Jobs as a client sees them: started, watched until they end, and their files downloaded."""

from typing import Any

import httpx
from starlette.applications import Starlette

from domain.job import FINISHED
from gateway.job_files import JobFiles
from persistence.blobs.local import LocalBlobs
from persistence.blobs.routes import blob_routes
from tests.support.app import App, Person
from tests.support.graph_actions import mutate
from tests.support.workers import WorkerDatabase

JOB_FIELDS = """
  id version kind state progress rowsDone rowsTotal rowsPerSecond secondsLeft message createdBy { id } startedAt finishedAt result
  resultUrl files { name contentType byteSize url } issues { row message }
"""
JOB_QUERY = f"query ($id: ID!) {{ job(id: $id) {{ {JOB_FIELDS} }} }}"
JOB_UPDATED = "subscription ($id: ID!) { jobUpdated(id: $id) { version state progress rowsDone rowsTotal } }"


async def start_job(app: App, person: Person, field: str, /, **fields: Any) -> Any:
    """A job that was started; it is queued."""
    payload = await mutate(app, person, field, "job { id state version progress }", **fields)
    assert payload["errors"] == [], payload["errors"]
    assert (payload["job"]["state"], payload["job"]["progress"]) == ("QUEUED", 0.0)
    return payload["job"]


async def read_job(app: App, person: Person, job: Any) -> Any:
    """A job as its person sees it; None for others."""
    return (await app.run(person, JOB_QUERY, id=job["id"]))["job"]


async def wait_for_job(database: WorkerDatabase, person: Person, job: Any, *, timeout_seconds: float = 20.0) -> Any:
    """A job, once it has ended; a worker must be running."""

    async def has_ended() -> bool:
        found = await database.app.run(person, "query ($id: ID!) { job(id: $id) { state } }", id=job["id"])
        return found["job"]["state"] in {each.value for each in FINISHED}

    await database.wait_until(has_ended, timeout_seconds=timeout_seconds)
    return await read_job(database.app, person, job)


async def download(app: App, url: str) -> httpx.Response:
    """What a URL of a job's file leads to."""
    services = app.resources.services
    assert isinstance(services.blobs, LocalBlobs)
    files = JobFiles(services.database, services.blobs, services.job_urls)
    routes = [*files.routes(), *blob_routes(services.blobs)]
    transport = httpx.ASGITransport(Starlette(routes=routes))
    async with httpx.AsyncClient(transport=transport, follow_redirects=True) as http:
        return await http.get(url)

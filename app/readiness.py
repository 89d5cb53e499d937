"""Answers whether the process lives, and whether it can serve requests.

Liveness touches nothing: it fails only where a restart helps, since a process whose background task died ends by itself
(`app.task_supervision`). Readiness asks of the database what a small request would: a connection of the pool, and one statement.
Everybody who asks at the same time shares one question, so that asking costs the database the same whoever asks how often.
"""

import asyncio
from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

import migrations
from domain.errors import DomainError
from persistence.engine.database import Database
from persistence.engine.schema_version import schema_version

_TIMEOUT_SECONDS: Final = 2.0


class Readiness:
    """Whether small requests would be answered. Holds one question at a time."""

    def __init__(self, database: Database, *, timeout_seconds: float = _TIMEOUT_SECONDS) -> None:
        self._database = database
        self._timeout_seconds = timeout_seconds
        self._question: asyncio.Task[Response] | None = None

    async def check(self) -> Response:
        """200 or 503, with the reason."""
        if self._question is None or self._question.done():
            self._question = asyncio.get_running_loop().create_task(self._ask(), name="readiness")
        return await asyncio.shield(self._question)

    async def _ask(self) -> Response:
        """The database answers in time, and has the schema that this version needs, or that of a newer one."""
        try:
            async with asyncio.timeout(self._timeout_seconds):
                found = await schema_version(self._database)
        except DomainError as error:
            return _status_response(503, ready=False, database=error.message)
        except TimeoutError:
            return _status_response(503, ready=False, database=f"no answer within {self._timeout_seconds:g} seconds")
        except OSError as error:
            return _status_response(503, ready=False, database=error.strerror or type(error).__name__)
        reached = migrations.is_up_to_date(found)
        return _status_response(200 if reached else 503, ready=reached, schemaVersion=found, expected=migrations.head_revision())


def health_routes(database: Database) -> list[BaseRoute]:
    """`/healthz` and `/readyz`."""
    readiness = Readiness(database)

    async def live(request: Request) -> Response:
        return PlainTextResponse("ok")

    async def ready(request: Request) -> Response:
        return await readiness.check()

    return [Route("/healthz", live), Route("/readyz", ready)]


def _status_response(code: int, **fields: Any) -> Response:
    return Response(orjson.dumps(fields), status_code=code, media_type="application/json")

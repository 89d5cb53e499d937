"""The limit: what Python can do here at best. SQL written by hand, orjson, bare Starlette; no schema, no parsing, no plan.

It knows the four operations by their names and answers byte for byte what our server answers. Rights are in the SQL, and tokens
are checked by the server's own `AccessTokens`. One statement per relation and level, with only the columns that are asked for;
to-one relations of a single object are joined.
"""

import asyncio
import sys
from base64 import b64decode, b64encode
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from auth.key_store import KeyStore
from auth.server_secret import ServerSecret
from auth.tokens import AccessTokens
from benchmarks import handwritten_sql as sql
from benchmarks.sign_in import SECRET_KEY
from domain.errors import TokenExpired, Unauthenticated
from persistence.engine.database import open_database

_CONNECTIONS = 10

Row = Any
Variables = dict[str, Any]


def main(port: int, issuer: str, database_url: str) -> None:
    uvloop.run(_serve(port, issuer, database_url))


async def _serve(port: int, issuer: str, database_url: str) -> None:
    async with open_database(database_url, max_connections=2) as database, AsyncExitStack() as stack:
        tokens = AccessTokens(
            await KeyStore(database, ServerSecret(SECRET_KEY.get_secret_value())).open(), database, issuer=issuer
        )
        idle = ConnectionPool()
        for _ in range(_CONNECTIONS):
            connection = await asyncpg.connect(database_url, server_settings={"timezone": "UTC", "jit": "off"})
            stack.push_async_callback(connection.close)
            idle.put_nowait(connection)

        async def graphql(request: Request) -> Response:
            try:
                bearer = await tokens.authenticate(request.headers.get("authorization"))
            except (Unauthenticated, TokenExpired):
                bearer = None
            if bearer is None:
                return Response(status_code=401)
            asked = orjson.loads(await request.body())
            data = await _OPERATIONS[asked["operationName"]](idle, bearer.actor.user_id, asked["variables"])
            return Response(orjson.dumps({"data": data}, option=orjson.OPT_UTC_Z), media_type="application/json")

        app = Starlette(routes=[Route("/graphql", graphql, methods=["POST"])])
        config = uvicorn.Config(app, host="127.0.0.1", port=port, http="httptools", ws="none", lifespan="off", access_log=False)
        await uvicorn.Server(config).serve()


class ConnectionPool(asyncio.LifoQueue["asyncpg.Connection[Any]"]):
    """Connections that nobody uses: a pool that costs next to nothing."""

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Any]:
        connection = await self.get()
        try:
            yield connection
        finally:
            self.put_nowait(connection)

    async def fetch(self, text: str, *arguments: Any) -> list[Row]:
        connection = await self.get()
        try:
            return list(await connection.fetch(text, *arguments))
        finally:
            self.put_nowait(connection)

    async def fetch_row(self, text: str, *arguments: Any) -> Row | None:
        rows = await self.fetch(text, *arguments)
        return rows[0] if rows else None


async def _fetch_task(pool: ConnectionPool, viewer: UUID, variables: Variables) -> dict[str, Any]:
    row = await pool.fetch_row(sql.TASK, viewer, _uuid(variables["id"]))
    if row is None:
        return {"task": None}
    assignee = None
    if row["assignee_id"] is not None:
        assignee = {"id": _id("User", row["assignee_id"]), "firstName": row["first_name"], "lastName": row["last_name"]}
    project = {"id": _id("Project", row["project_id"]), "name": row["project_name"], "status": row["project_status"]}
    return {"task": _task_of(row) | {"assignee": assignee, "project": project}}


async def _fetch_project(pool: ConnectionPool, viewer: UUID, variables: Variables) -> dict[str, Any]:
    project_id = _uuid(variables["id"])
    project = await pool.fetch_row(sql.PROJECT, viewer, project_id)
    if project is None:
        return {"project": None}
    rows = await pool.fetch(sql.TASKS_OF_PROJECTS, viewer, [project_id], 50)
    people = await _fetch_users(pool, (row["assignee_id"] for row in rows))
    nodes = [_task_of(row) | {"assignee": people.get(row["assignee_id"])} for row in rows]
    return {"project": _project_of(project) | {"tasks": {"nodes": nodes}}}


async def _fetch_team(pool: ConnectionPool, viewer: UUID, variables: Variables) -> dict[str, Any]:
    team_id = _uuid(variables["id"])
    team = await pool.fetch_row(sql.TEAM, viewer, team_id)
    if team is None:
        return {"team": None}
    members = await pool.fetch(sql.MEMBERS_OF_TEAM, viewer, team_id, 10)
    projects = await pool.fetch(sql.PROJECTS_OF_TEAM, viewer, team_id, 5)
    tasks = await pool.fetch(sql.TASKS_OF_PROJECTS, viewer, [row["id"] for row in projects], 20)
    comments = await pool.fetch(sql.COMMENTS_OF_TASKS, viewer, [row["id"] for row in tasks], 3)
    people = await _fetch_users(pool, (row["author_id"] for row in comments))

    comments_by_task: dict[UUID, list[Any]] = defaultdict(list)
    for row in comments:
        comment = {"id": _id("Comment", row["id"]), "body": row["body"], "createdAt": row["created_at"]}
        comments_by_task[row["parent"]].append(comment | {"author": people.get(row["author_id"])})
    to_do: dict[UUID, list[Any]] = defaultdict(list)
    for row in tasks:
        task = {"id": _id("Task", row["id"]), "key": row["key"], "title": row["title"], "status": row["status"]}
        to_do[row["parent"]].append(task | {"comments": {"nodes": comments_by_task.get(row["id"], [])}})
    return {
        "team": {
            "id": _id("Team", team["id"]),
            "name": team["name"],
            "key": team["key"],
            "members": {"nodes": [_user_of(row) for row in members]},
            "projects": {"nodes": [_project_of(row) | {"tasks": {"nodes": to_do.get(row["id"], [])}} for row in projects]},
        }
    }


async def _update_task(pool: ConnectionPool, viewer: UUID, variables: Variables) -> dict[str, Any]:
    """The task's row, its place in the team's stream and the event, in one transaction: what our own server writes."""
    given = variables["input"]
    async with pool.acquire() as connection, connection.transaction():
        before = await connection.fetchrow(sql.LOCK_TASK, viewer, _uuid(given["id"]))
        if before is None:
            missing = {"code": "NOT_FOUND", "message": "There is no such task."}
            return {"taskUpdate": {"task": None, "errors": [missing]}}
        after: Row = await connection.fetchrow(sql.SAVE_TASK, before["id"], given["title"], given["status"])
        stream = f"team:{before['team_id']}"
        position = await connection.fetchval(sql.BUMP_STREAM, stream)
        entity = dict(before) | {"title": after["title"], "status": after["status"], "version": after["version"]}
        changes = [
            {"field": "title", "before": before["title"], "after": after["title"]},
            {"field": "status", "before": before["status"], "after": after["status"]},
        ]
        payload = orjson.dumps({"entity": entity, "changes": changes}, default=str).decode()
        await connection.execute(sql.ADD_EVENT, stream, position, before["id"], before["project_id"], payload, viewer)
    task = {"id": _id("Task", after["id"]), "title": after["title"], "status": after["status"], "version": after["version"]}
    task["updatedAt"] = after["updated_at"]
    return {"taskUpdate": {"task": task, "errors": []}}


_OPERATIONS = {"OneTask": _fetch_task, "Board": _fetch_project, "Overview": _fetch_team, "Change": _update_task}


async def _fetch_users(pool: ConnectionPool, user_ids: Iterable[UUID | None]) -> dict[UUID | None, dict[str, Any]]:
    wanted = {user_id for user_id in user_ids if user_id is not None}
    return {row["id"]: _user_of(row) for row in await pool.fetch(sql.USERS, list(wanted))} if wanted else {}


def _task_of(row: Row) -> dict[str, Any]:
    return {
        "id": _id("Task", row["id"]),
        "key": row["key"],
        "title": row["title"],
        "status": row["status"],
        "priority": row["priority"],
        "dueOn": row["due_on"],
        "updatedAt": row["updated_at"],
    }


def _project_of(row: Row) -> dict[str, Any]:
    return {"id": _id("Project", row["id"]), "name": row["name"], "status": row["status"]}


def _user_of(row: Row) -> dict[str, Any]:
    return {"id": _id("User", row["id"]), "firstName": row["first_name"], "lastName": row["last_name"]}


def _id(type_name: str, id_: UUID) -> str:
    return b64encode(f"{type_name}:{id_}".encode()).decode()


def _uuid(global_id: str) -> UUID:
    return UUID(b64decode(global_id).decode().partition(":")[2])


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3])

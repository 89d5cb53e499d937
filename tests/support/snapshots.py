"""Snapshots as a client reads them: the field of the graph, then the address that it gives, by HTTP below a socket."""

import json
from collections.abc import Mapping
from typing import Any

import httpx
from starlette.applications import Starlette

from gateway.http.origins import AllowedOrigins
from gateway.sync_snapshot import Charge, SnapshotEndpoint
from persistence.stores import session as sessions
from tests.support.app import App, Person

SNAPSHOT_QUERY = """
query ($types: [SearchType!]!, $scope: ChangeScope) { snapshot(types: $types, scope: $scope) { url cursor expiresAt } }
"""


async def snapshot_of(app: App, person: Person, *types: str, **scope: list[str]) -> Any:
    """Where a snapshot is."""
    return (await app.run(person, SNAPSHOT_QUERY, types=types, scope=scope or None))["snapshot"]


def snapshot_endpoint(app: App, *, charge: Charge | None = None) -> SnapshotEndpoint:
    """The route over the services of an application."""
    services = app.resources.services
    return SnapshotEndpoint(
        services.database,
        services.snapshot_urls,
        authenticate=app.resources.tokens.authenticate,
        origins=AllowedOrigins(["https://app.example.com"]),
        charge=charge,
    )


async def access_token(app: App, person: Person) -> str:
    """A token of somebody who has signed in."""
    assert person.session_id is not None
    found = await sessions.by_ids(app.resources.database, person.user.id, [person.session_id])
    return app.resources.tokens.issue(found[person.session_id])


async def download(
    app: App,
    person: Person | None,
    url: str,
    headers: Mapping[str, str] | None = None,
    *,
    endpoint: SnapshotEndpoint | None = None,
) -> httpx.Response:
    """What a person's GET of an address is answered."""
    authorization = None if person is None else f"Bearer {await access_token(app, person)}"
    return await download_as(app, authorization, url, headers, endpoint=endpoint)


async def download_as(
    app: App,
    authorization: str | None,
    url: str,
    headers: Mapping[str, str] | None = None,
    *,
    endpoint: SnapshotEndpoint | None = None,
) -> httpx.Response:
    """The same with the value of a header."""
    sent = dict(headers or {}) | ({} if authorization is None else {"authorization": authorization})
    transport = httpx.ASGITransport(Starlette(routes=(endpoint or snapshot_endpoint(app)).routes()))
    async with httpx.AsyncClient(transport=transport) as http:
        return await http.get(url, headers=sent)


async def read_snapshot(app: App, person: Person, *types: str, **scope: list[str]) -> list[Any]:
    """The objects of a snapshot, which must be whole."""
    found = await snapshot_of(app, person, *types, **scope)
    answer = await download(app, person, found["url"])
    assert answer.status_code == 200, answer.text
    *lines, rest = answer.text.split("\n")
    assert rest == ""
    *objects, end = (json.loads(line) for line in lines)
    assert end == {"__typename": "Snapshot", "rows": len(objects)}
    return objects

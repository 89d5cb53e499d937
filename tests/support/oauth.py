"""The authorization server for tests, in process: its front door, and clients that are registered with it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from pydantic import SecretStr

from app.application import create_app
from app.settings import Settings
from tests.support.app import App, Person
from tests.support.secret_key import SECRET_KEY

ORIGIN = "http://127.0.0.1:8000"
CREATE = """
mutation ($input: OAuthClientCreateInput!) {
  oauthClientCreate(input: $input) {
    secret errors { code message path }
    oauthClient { id version clientId name isPublic redirectUris grants scopes viewerCan }
  }
}
"""


@dataclass(frozen=True)
class SampleClient:
    """A registered client, and its secret."""

    id: str
    client_id: str
    secret: str | None

    @property
    def basic(self) -> tuple[str, str]:
        """Its credentials for HTTP Basic."""
        assert self.secret is not None
        return self.client_id, self.secret


@asynccontextmanager
async def front_door(app: App, **settings: Any) -> AsyncIterator[httpx.AsyncClient]:
    """HTTP to the application without a socket; the settings are those of an in-process server."""
    asgi = create_app(app.resources, Settings(secret_key=SecretStr(SECRET_KEY), **settings)).asgi
    transport = httpx.ASGITransport(app=asgi)
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as http:
        yield http


async def create_client(app: App, owner: Person, team_id: str, **fields: Any) -> Any:
    """The payload of creating a client that is fine but for what is given."""
    given = {
        "teamId": team_id,
        "name": "App",
        "isPublic": False,
        "redirectUris": ["https://app.example/callback"],
        "grants": ["AUTHORIZATION_CODE", "REFRESH_TOKEN", "CLIENT_CREDENTIALS"],
        "scopes": ["TASKS_READ", "TASKS_WRITE", "PROJECTS_READ"],
    }
    return (await app.execute(owner, CREATE, input=given | fields))["data"]["oauthClientCreate"]


async def registered(app: App, owner: Person, team_id: str, **fields: Any) -> SampleClient:
    """A client that was created."""
    payload = await create_client(app, owner, team_id, **fields)
    assert payload["errors"] == []
    return SampleClient(payload["oauthClient"]["id"], payload["oauthClient"]["clientId"], payload["secret"])


async def post_token(http: httpx.AsyncClient, client: SampleClient | None = None, **form: str) -> httpx.Response:
    """A request to the token endpoint; a confidential client authenticates itself by HTTP Basic."""
    auth = client.basic if client is not None and client.secret is not None else None
    if client is not None and client.secret is None:
        form = {"client_id": client.client_id, **form}
    return await http.post("/oauth/token", data=form, auth=auth)  # type: ignore[arg-type]


def graph_error(response: httpx.Response) -> Mapping[str, Any]:
    """The extensions of the only error of an answer of the graph."""
    (error,) = response.json()["errors"]
    extensions: Mapping[str, Any] = error["extensions"]
    return extensions


async def post_graph(http: httpx.AsyncClient, token: str, query: str, **variables: Any) -> httpx.Response:
    """An operation through a token."""
    headers = {"Authorization": f"Bearer {token}"}
    return await http.post("/graphql", json={"query": query, "variables": variables}, headers=headers)

"""Serves GraphiQL: its page, configuration and files from the build beside this module, the schema, and what operations cost."""

import json
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from gateway.graphiql.cost import CostEndpoint
from gateway.graphiql.graph_access import GraphAccess
from gateway.graphiql.introspection import IntrospectionEndpoint
from gateway.http.demo_sign_in import DemoSignIn
from gateway.http.static_files import static_files_route

__all__ = ["GraphAccess", "GraphiQLConfig", "routes"]

BUILD = Path(__file__).parent / "build"

# The editor writes style elements and attributes at run time; everything else comes from this server, in files.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphiQLConfig:
    """What the page learns from the server; `endpoint` is the path of the graph, for HTTP and websocket alike.

    The page signs in as the first of `people` by itself, and offers the others.
    """

    endpoint: str = "/graphql"
    title: str = "PantheraHive"
    people: tuple[DemoSignIn, ...] = ()
    issuer: str | None = None
    client_id: str | None = None
    """Of the authorization server through which the page signs in; pages of another origin than the issuer's cannot."""


def routes(config: GraphiQLConfig, graph: GraphAccess | None = None) -> list[BaseRoute]:
    """The page at `/`, and what it loads under `/graphiql/`. Without `graph` the page learns nothing of the schema."""
    page = (BUILD / "index.html").read_bytes()
    answer = _config_json(config)

    async def index(request: Request) -> Response:
        headers = {
            "Cache-Control": "no-cache",
            "Content-Security-Policy": CONTENT_SECURITY_POLICY,
            "Referrer-Policy": "same-origin",
            "X-Content-Type-Options": "nosniff",
        }
        return Response(page, media_type="text/html", headers=headers)

    async def config_json(request: Request) -> Response:
        headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
        return Response(answer, media_type="application/json", headers=headers)

    found: list[BaseRoute] = [
        Route("/", index, name="graphiql"),
        Route("/graphiql/config.json", config_json, name="graphiql-config"),
        static_files_route("/graphiql/assets", BUILD / "assets", name="graphiql-asset"),
    ]
    if graph is not None:
        found.append(Route("/graphiql/schema.json", IntrospectionEndpoint(graph), methods=["GET"], name="graphiql-schema"))
        found.append(Route("/graphiql/cost", CostEndpoint(graph), methods=["POST"], name="graphiql-cost"))
    return found


def _config_json(config: GraphiQLConfig) -> bytes:
    people = [each.as_json() for each in config.people]
    return json.dumps(
        {
            "endpoint": config.endpoint,
            "subscriptionEndpoint": config.endpoint,
            "title": config.title,
            "demo": {"email": people[0]["email"], "password": people[0]["password"]} if people else None,
            "people": people,
            "oauth": {"issuer": config.issuer, "clientId": config.client_id} if config.issuer and config.client_id else None,
        }
    ).encode()

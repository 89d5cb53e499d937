"""Serves GraphiQL: its page, configuration and files from the build beside this module, the schema, and what operations cost."""

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass
from mimetypes import guess_type
from pathlib import Path
from types import MappingProxyType

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.graphiql.cost import CostEndpoint
from gateway.graphiql.graph_access import GraphAccess
from gateway.graphiql.introspection import IntrospectionEndpoint
from gateway.http.compression import accepts_gzip

__all__ = ["DemoSignIn", "GraphAccess", "GraphiQLConfig", "routes"]

BUILD = Path(__file__).parent / "build"

# The editor writes style elements and attributes at run time; everything else comes from this server, in files.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

# What the build is made of; not left to the machine's own table, which may know none of them.
MEDIA_TYPES = MappingProxyType(
    {
        ".css": "text/css; charset=utf-8",
        ".js": "text/javascript; charset=utf-8",
        ".md": "text/markdown; charset=utf-8",
        ".svg": "image/svg+xml",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoSignIn:
    """Somebody of the demo, as whom the page signs in without asking; never outside development mode."""

    name: str
    email: str
    password: str


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asset:
    path: Path
    media_type: str
    gzipped: bool


def routes(config: GraphiQLConfig, graph: GraphAccess | None = None) -> list[BaseRoute]:
    """The page at `/`, and what it loads under `/graphiql/`. Without `graph` the page learns nothing of the schema."""
    assets = _assets(BUILD / "assets")
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

    def asset(request: Request) -> Response:
        found = assets.get(request.path_params["name"])
        if found is None:
            raise HTTPException(404)
        return _asset_response(found, gzip_accepted=accepts_gzip(request.headers.get("accept-encoding", "")))

    found: list[BaseRoute] = [
        Route("/", index, name="graphiql"),
        Route("/graphiql/config.json", config_json, name="graphiql-config"),
        Route("/graphiql/assets/{name}", asset, name="graphiql-asset"),
    ]
    if graph is not None:
        found.append(Route("/graphiql/schema.json", IntrospectionEndpoint(graph), methods=["GET"], name="graphiql-schema"))
        found.append(Route("/graphiql/cost", CostEndpoint(graph), methods=["POST"], name="graphiql-cost"))
    return found


def _config_json(config: GraphiQLConfig) -> bytes:
    people = [{"name": each.name, "email": each.email, "password": each.password} for each in config.people]
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


def _assets(folder: Path) -> Mapping[str, _Asset]:
    """The files by the name they are asked for: listed once, so that no name leads out of the folder."""
    assets = {}
    for path in folder.iterdir():
        name = path.name.removesuffix(".gz")
        media_type = MEDIA_TYPES.get(Path(name).suffix) or guess_type(name)[0] or "application/octet-stream"
        assets[name] = _Asset(path=path, media_type=media_type, gzipped=path.suffix == ".gz")
    return assets


def _asset_response(asset: _Asset, *, gzip_accepted: bool) -> Response:
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
    if not asset.gzipped:
        return FileResponse(asset.path, media_type=asset.media_type, headers=headers)
    headers["Vary"] = "Accept-Encoding"
    if gzip_accepted:
        headers["Content-Encoding"] = "gzip"
        return FileResponse(asset.path, media_type=asset.media_type, headers=headers)
    return Response(gzip.decompress(asset.path.read_bytes()), media_type=asset.media_type, headers=headers)

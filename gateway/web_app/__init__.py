"""Serves the application at `/app`: one page for every address below it, its service worker, its configuration, and its files.

The page's source is in `clients/app`; `make web-app` builds it into the folder beside this module, which is committed.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.http.demo_sign_in import DemoSignIn
from gateway.http.static_files import static_files_route

__all__ = ["WebAppConfig", "routes"]

BUILD = Path(__file__).parent / "build"
PATH = "/app"
WORKER_HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": "default-src 'none'; connect-src 'self'",
    # It answers for `/app` itself, which is above its own folder.
    "Service-Worker-Allowed": PATH,
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class WebAppConfig:
    """
    What the page learns from the server.

    `issuer`, `client_id`: of the authorization server through which the page signs in; pages of another origin cannot.
    `file_origins` are those of the bucket that files go to and come from, past the server.
    """

    issuer: str
    client_id: str
    people: tuple[DemoSignIn, ...] = ()
    file_origins: tuple[str, ...] = ()


def routes(config: WebAppConfig) -> list[BaseRoute]:
    """The application, and the addresses of tasks that stand in mails and in `Task.url`."""
    page = (BUILD / "index.html").read_bytes()
    page_headers = {
        "Cache-Control": "no-cache",
        "Content-Security-Policy": content_security_policy(config.file_origins),
        "Cross-Origin-Opener-Policy": "same-origin",
        "ETag": f'"{sha256(page).hexdigest()[:32]}"',
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
    }
    worker = (BUILD / "service-worker.js").read_bytes()
    oauth = {"issuer": config.issuer, "clientId": config.client_id}
    answer = json.dumps({"people": [each.as_json() for each in config.people], "oauth": oauth}).encode()

    async def index(request: Request) -> Response:
        if request.url.path.startswith(f"{PATH}/assets/"):
            raise HTTPException(404)
        known = {tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")}
        if page_headers["ETag"] in known:
            return Response(status_code=304, headers=page_headers)
        return Response(page, media_type="text/html", headers=page_headers)

    async def config_json(request: Request) -> Response:
        headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
        return Response(answer, media_type="application/json", headers=headers)

    async def service_worker(_: Request) -> Response:
        return Response(worker, media_type="text/javascript", headers=WORKER_HEADERS)

    async def task(request: Request) -> Response:
        return RedirectResponse(f"{PATH}/tasks/{request.path_params['key']}", 307)

    return [
        Route(f"{PATH}/service-worker.js", service_worker, name="web-app-worker"),
        Route(f"{PATH}/config.json", config_json, name="web-app-config"),
        static_files_route(f"{PATH}/assets", BUILD / "assets", name="web-app-asset"),
        Route(PATH, index, name="web-app"),
        Route(f"{PATH}/{{path:path}}", index, name="web-app-page"),
        Route("/tasks/{key}", task, name="task"),
    ]


def content_security_policy(file_origins: Sequence[str]) -> str:
    """Everything from this server and in files, no style in the page; pictures and uploads also from where files are stored."""
    files = "".join(f" {origin}" for origin in file_origins)
    return (
        "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; "
        f"connect-src 'self'{files}; img-src 'self' data: blob:{files}; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )

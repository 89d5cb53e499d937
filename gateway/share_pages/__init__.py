"""Serves the pages of share links: a document, or a project as a board, for whoever has the address.

They are plain HTML that works without JavaScript, and show what the graph shows to the bearer of the link: each page is an
operation with the link's token, so there is no second set of rules. It loads nothing from elsewhere, and passes its address on
to nobody: the address is the right itself, so it is neither sent as a referrer nor indexed nor cached.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from html import escape
from pathlib import Path
from typing import Any, Final, Protocol

import orjson
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from content.text.markdown_html import to_html
from domain.cost_limit import CostLimitExceeded
from domain.errors import DomainError, Unauthenticated, Unavailable
from gateway.execution.executor import Executor, OperationRequest, PreparedOperation
from gateway.http.cost_meter import CostMeter
from gateway.http.ports import RequestInfo
from gateway.http.request_info import client_ip, request_info
from persistence.documents.worker_pool import WorkerPool
from resolvers.share_link import PAGE_PATH

OpenContext = Callable[[Any, RequestInfo], AbstractAsyncContextManager[Any]]
_TEMPLATES: Final = Path(__file__).parent / "templates"
_POLICY: Final = (
    "default-src 'none'; style-src 'self'; style-src-attr 'unsafe-inline'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
}
_DOCUMENT: Final = """
  { shareLink { expiresAt subject { ... on Document {
    title updatedAt content(format: HTML) { text }
    attachments(first: 50) { nodes { fileName byteSize url thumbnailUrl(size: 256) } }
  } } } }
"""
_BOARD: Final = """
  query ($after: String) { shareLink { expiresAt subject { ... on Project {
    name description progress { total done }
    tasks(first: 100, after: $after) {
      nodes { key title status priority dueOn assignee { displayName } labels(first: 5) { nodes { name } } }
      pageInfo { hasNextPage endCursor }
    }
  } } } }
"""
_MAX_TASKS: Final = 300
_COLUMNS: Final = {
    "BACKLOG": "Backlog",
    "TODO": "To do",
    "IN_PROGRESS": "In progress",
    "IN_REVIEW": "In review",
    "DONE": "Done",
    "CANCELED": "Canceled",
}
# What `content.text.html_writer` makes of a task's box: a control that nobody may use needs a name, a sign is read as one.
_BOXES: Final = {
    '<label><input type="checkbox" disabled checked></label>': '<span role="img" aria-label="Done">☑</span>',
    '<label><input type="checkbox" disabled></label>': '<span role="img" aria-label="Open">☐</span>',
}
_GONE: Final = "It has expired, was revoked, or its address is not complete. Ask whoever sent it to you for a new one."


class LinkVerifier(Protocol):
    """Finds what a link's token opens."""

    async def authenticate_share_link(self, token: str, /) -> Any:
        """The credentials of whoever has the token. Raises Unauthenticated."""
        ...


class SharePages:
    """The pages, over the graph."""

    def __init__(
        self,
        executor: Executor,
        open_context: OpenContext,
        links: LinkVerifier,
        workers: WorkerPool,
        cost_meter: CostMeter | None,
    ) -> None:
        self._executor = executor
        self._open_context = open_context
        self._links = links
        self._workers = workers
        self._cost_meter = cost_meter
        self._templates = Environment(loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined)
        self._style = (_TEMPLATES / "style.css").read_bytes()

    def routes(self) -> list[BaseRoute]:
        """`/share/TOKEN`, and the CSS of the pages."""
        return [
            Route(f"{PAGE_PATH}/style.css", self._get_style, methods=["GET"]),
            Route(f"{PAGE_PATH}/{{token}}", self._get, methods=["GET"]),
        ]

    async def _get_style(self, request: Request) -> Response:
        headers = {"Cache-Control": "public, max-age=3600", "X-Content-Type-Options": "nosniff"}
        return Response(self._style, headers=headers, media_type="text/css")

    async def _get(self, request: Request) -> Response:
        info = request_info(dict(request.scope["headers"]), client_ip(request.scope))
        try:
            credentials = await self._links.authenticate_share_link(request.path_params["token"])
            if credentials.actor.shared.type_name == "Document":
                return await self._document(credentials, info)
            return await self._board(credentials, info)
        except Unauthenticated:
            return self._message("This link has ended", _GONE, status=404)
        except CostLimitExceeded as error:
            headers = {"Retry-After": str(error.retry_after_seconds)}
            return self._message("Too many visits", "Try again in a few minutes.", status=429, headers=headers)
        except Unavailable:
            return self._message("This does not work now", "Try again in a moment.", status=503, headers={"Retry-After": "5"})
        except DomainError as error:
            return self._message("This cannot be shown", str(error), status=400)

    async def _document(self, credentials: Any, info: RequestInfo) -> Response:
        link = await self._run(credentials, info, _DOCUMENT)
        document = link["subject"]
        title = f"<h1>{escape(document['title'], quote=False)}</h1>"
        content = document["content"]["text"].removeprefix(title)  # which the page shows already
        for box, sign in _BOXES.items():
            content = content.replace(box, sign)
        return self._page(
            "document.html",
            title=document["title"],
            updated_at=document["updatedAt"],
            content=Markup(content),  # noqa: S704 (by `content.text.html_writer`, which escapes all text)
            files=document["attachments"]["nodes"],
            expires_at=link["expiresAt"],
        )

    async def _board(self, credentials: Any, info: RequestInfo) -> Response:
        link = await self._run(credentials, info, _BOARD)
        project, page = link["subject"], link["subject"]["tasks"]
        tasks: list[Mapping[str, Any]] = page["nodes"]
        while page["pageInfo"]["hasNextPage"] and len(tasks) < _MAX_TASKS:
            more = await self._run(credentials, info, _BOARD, after=page["pageInfo"]["endCursor"])
            page = more["subject"]["tasks"]
            tasks = [*tasks, *page["nodes"]]
        text = project["description"] or ""
        description = await self._workers.run(len(text.encode()), to_html, text, owner=credentials.actor.principal_id)
        columns = [(label, [each for each in tasks if each["status"] == status]) for status, label in _COLUMNS.items()]
        return self._page(
            "board.html",
            title=project["name"],
            description=Markup(description),  # noqa: S704 (the same)
            progress=project["progress"],
            columns=[(label, cards) for label, cards in columns if cards],
            is_cut=page["pageInfo"]["hasNextPage"],
            expires_at=link["expiresAt"],
        )

    async def _run(self, credentials: Any, info: RequestInfo, query: str, **variables: Any) -> dict[str, Any]:
        """The link with its subject. Raises Unauthenticated where it has ended, CostLimitExceeded, and Unavailable."""
        prepared = self._executor.prepare(OperationRequest(query=query, variables=variables))
        assert isinstance(prepared, PreparedOperation)
        if self._cost_meter is not None:
            info = await self._cost_meter.charge(prepared, credentials, info)
        async with self._open_context(credentials, info) as context:
            payload = orjson.loads((await self._executor.execute(prepared, context)).to_json())
        if "errors" in payload:
            raise Unavailable(payload["errors"][0]["message"])
        link: dict[str, Any] | None = payload["data"]["shareLink"]
        if link is None or not link["subject"]:
            raise Unauthenticated
        return link

    def _message(self, heading: str, text: str, *, status: int, headers: Mapping[str, str] | None = None) -> Response:
        return self._page("message.html", title=heading, text=text, status=status, headers=headers)

    def _page(self, name: str, *, status: int = 200, headers: Mapping[str, str] | None = None, **values: Any) -> Response:
        page = self._templates.get_template(name).render(values)
        return HTMLResponse(page, status_code=status, headers={**_HEADERS, **(headers or {})})

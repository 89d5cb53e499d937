"""Serves the pages that mails link to: confirming an address, choosing a new password, and ending mails about notifications.

They are plain HTML that works without JavaScript. Opening a link changes nothing, since mail servers open links to look for harm:
a button does it, by the mutation that clients use too, with its limits. No cookie is read or set, so there is nothing that
another site could make a browser do; the token is not passed on to other sites (`Referrer-Policy`).
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.execution.executor import Executor, OperationRequest
from gateway.http.ports import RequestInfo
from gateway.http.request_info import client_ip, request_info

OpenContext = Callable[[Any, RequestInfo], AbstractAsyncContextManager[Any]]

_MAX_BODY_BYTES: Final = 16 * 1024
_MAX_FIELDS: Final = 20
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": _POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_VERIFY: Final = "mutation ($input: TokenInput!) { result: emailVerify(input: $input) { errors { code path message } } }"
_RESET: Final = "mutation ($input: PasswordResetInput!) { result: passwordReset(input: $input) { errors { code path message } } }"
_UNSUBSCRIBE: Final = (
    "mutation ($input: TokenInput!) { result: notificationsUnsubscribe(input: $input) { errors { code path message } } }"
)
_GONE: Final = "This link is not good any more: it was used, or is older than an hour. Ask for a new one."


class AccountPages:
    """The pages, over the graph."""

    def __init__(self, executor: Executor, open_context: OpenContext) -> None:
        self._executor = executor
        self._open_context = open_context
        self._templates = Environment(
            loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True, undefined=StrictUndefined
        )

    def routes(self) -> list[BaseRoute]:
        """`/account/verify`, `/account/reset` and `/notifications/unsubscribe/TOKEN`, each with a form (GET) and what it does
        (POST; mail programs do that of the last by themselves, RFC 8058)."""
        return [
            Route("/notifications/unsubscribe/{token}", self._show_unsubscribe, methods=["GET"]),
            Route("/notifications/unsubscribe/{token}", self._unsubscribe, methods=["POST"]),
            Route("/account/verify", self._show_verify, methods=["GET"]),
            Route("/account/verify", self._verify, methods=["POST"]),
            Route("/account/reset", self._show_reset, methods=["GET"]),
            Route("/account/reset", self._reset, methods=["POST"]),
        ]

    async def _show_verify(self, request: Request) -> Response:
        return self._page("verify.html", token=request.query_params.get("token", ""))

    async def _show_reset(self, request: Request) -> Response:
        return self._page("reset.html", token=request.query_params.get("token", ""), error=None)

    async def _verify(self, request: Request) -> Response:
        form = await _read_form(request)
        if form is None:
            return self._message("This cannot be read", "The form is larger than it can be.", status=413)
        refused = await self._run(request, _VERIFY, {"token": form.get("token", "")})
        if refused is None:
            return self._message("Thank you", "Your address is confirmed. You can close this page.")
        return self._refusal(refused)

    async def _reset(self, request: Request) -> Response:
        form = await _read_form(request)
        if form is None:
            return self._message("This cannot be read", "The form is larger than it can be.", status=413)
        token = form.get("token", "")
        refused = await self._run(request, _RESET, {"token": token, "newPassword": form.get("password", "")})
        if refused is None:
            return self._message("Your password is changed", "Sign in with the new one. Other devices were signed out.")
        if refused.get("path") == ["input", "newPassword"]:
            return self._page("reset.html", token=token, error=refused["message"], status=400)
        return self._refusal(refused)

    async def _show_unsubscribe(self, request: Request) -> Response:
        return self._page("unsubscribe.html")

    async def _unsubscribe(self, request: Request) -> Response:
        refused = await self._run(request, _UNSUBSCRIBE, {"token": request.path_params["token"]})
        if refused is None:
            return self._message("You are unsubscribed", "You will receive no more mails of this kind.")
        if refused["code"] == "NOT_FOUND":
            return self._message("This link is not complete", "Open it from the mail again, or change your settings.", status=404)
        return self._refusal(refused)

    async def _run(self, request: Request, query: str, values: Mapping[str, str]) -> dict[str, Any] | None:
        """Why the mutation was refused; None when it was done."""
        headers = dict(request.scope["headers"])
        operation = OperationRequest(query=query, variables={"input": values})
        async with self._open_context(None, request_info(headers, client_ip(request.scope))) as context:
            payload = (await self._executor.execute(operation, context)).to_payload()
        if "errors" in payload:
            error = payload["errors"][0]
            return {"message": error["message"], **error["extensions"]}
        errors: list[dict[str, Any]] = payload["data"]["result"]["errors"]
        return errors[0] if errors else None

    def _refusal(self, refused: Mapping[str, Any]) -> Response:
        match refused["code"]:
            case "NOT_FOUND":
                return self._message("This link has ended", _GONE, status=410)
            case "RATE_LIMITED":
                retry_after = {"Retry-After": str(refused["retryAfter"])}
                return self._message("Too many tries", refused["message"], status=429, headers=retry_after)
            case "SERVICE_UNAVAILABLE" | "OVERLOADED" | "INTERNAL":
                return self._message("This does not work now", "Try again in a moment.", status=503)
        return self._message("This did not work", refused["message"], status=400)

    def _message(self, heading: str, text: str, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
        return self._page("message.html", heading=heading, text=text, status=status, headers=headers)

    def _page(self, name: str, *, status: int = 200, headers: Mapping[str, str] | None = None, **values: Any) -> Response:
        page = self._templates.get_template(name).render(values)
        return HTMLResponse(page, status_code=status, headers={**_HEADERS, **(headers or {})})


async def _read_form(request: Request) -> dict[str, str] | None:
    """The fields of a form, the first of each name; None where it is larger than ours."""
    body = b""
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > _MAX_BODY_BYTES:
                return None
    except ClientDisconnect:
        return None
    try:
        fields = parse_qs(body.decode(errors="replace"), keep_blank_values=True, max_num_fields=_MAX_FIELDS)
    except ValueError:
        return None
    return {name: values[0] for name, values in fields.items()}

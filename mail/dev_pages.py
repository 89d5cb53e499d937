"""Shows the mails of the console at `/dev/mail`, in development only.

A message's HTML stands in a frame without scripts, forms or an origin, whatever it holds; a link opens in a tab of its own.
"""

from email.utils import parseaddr
from pathlib import Path
from typing import Final
from uuid import UUID

from jinja2 import Environment, FileSystemLoader
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from mail.console import ConsoleMailer, StoredMail

PATH: Final = "/dev/mail"
_SHOWN_HEADERS: Final = ("From", "To", "Date", "Message-ID", "References", "List-Unsubscribe")
_PAGE_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_MESSAGE_POLICY: Final = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data: https:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)


def dev_mail_routes(mailer: ConsoleMailer) -> list[BaseRoute]:
    """The list, a message, and its HTML alone, which the message's page frames."""
    pages = Environment(loader=FileSystemLoader(Path(__file__).parent / "pages"), autoescape=True)

    async def show_list(_: Request) -> Response:
        rows = [
            {
                "url": f"{PATH}/{stored.id}",
                "subject": stored.message["Subject"],
                "to": parseaddr(str(stored.message["To"]))[1],
                "date": stored.message["Date"],
            }
            for stored in await mailer.list_all()
        ]
        return _page(pages.get_template("list.html").render(rows=rows))

    async def show_message(request: Request) -> Response:
        stored = await _stored(mailer, request)
        headers = [(name, stored.message[name]) for name in _SHOWN_HEADERS if stored.message[name]]
        page = pages.get_template("message.html").render(
            subject=stored.message["Subject"],
            headers=headers,
            text=stored.part("plain"),
            list_url=PATH,
            html_url=f"{PATH}/{stored.id}/html",
        )
        return _page(page)

    async def show_html(request: Request) -> Response:
        html = (await _stored(mailer, request)).part("html")
        return _page(html.replace("<head>", '<head><base target="_blank">', 1), policy=_MESSAGE_POLICY)

    return [
        Route(PATH, show_list),
        Route(PATH + "/{id:uuid}", show_message),
        Route(PATH + "/{id:uuid}/html", show_html),
    ]


async def _stored(mailer: ConsoleMailer, request: Request) -> StoredMail:
    mail_id: UUID = request.path_params["id"]
    stored = await mailer.get(mail_id)
    if stored is None:
        raise HTTPException(404)
    return stored


def _page(html: str, *, policy: str = _PAGE_POLICY) -> Response:
    headers = {
        "Cache-Control": "no-store",
        "Content-Security-Policy": policy,
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    return HTMLResponse(html, headers=headers)

"""Renders the templates of mails: `NAME.txt`, whose first line is the subject, and `NAME.html`, which extends `layout.html`.

HTML is escaped by itself. In text nothing is, so values that stand in a line go through the filter `line`, which makes one line
of them: nobody's name can look like a paragraph of ours. Links go through `link`: only http and https.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from domain.mail import MAX_SUBJECT_CHARS
from mail.message import single_line

PRODUCT_NAME: Final = "PantheraHive"
_TEMPLATES: Final = Path(__file__).parent / "templates"
_MAX_LINE_CHARS: Final = 300
_SUBJECT = "Subject: "


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedMail:
    """What a template says."""

    subject: str
    text: str
    html: str


class MailTemplates:
    """The templates of a folder, over the layout of the product. `origin` is where people reach the server."""

    def __init__(self, origin: str, *, folder: Path = _TEMPLATES) -> None:
        self._environment = Environment(
            loader=FileSystemLoader([folder, _TEMPLATES]),
            autoescape=select_autoescape(disabled_extensions=("txt",), default=True),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=False,
        )
        self._environment.filters.update(line=lambda value: single_line(str(value), _MAX_LINE_CHARS), link=require_link)
        self._environment.globals.update(product=PRODUCT_NAME, origin=origin)

    def render(self, name: str, /, **values: Any) -> RenderedMail:
        """A mail from its template; every value that it names must be given."""
        written = self._environment.get_template(f"{name}.txt").render(values)
        first, _, text = written.partition("\n")
        if not first.startswith(_SUBJECT):
            raise ValueError(f"{name}.txt must begin with its subject")
        subject = single_line(first.removeprefix(_SUBJECT), MAX_SUBJECT_CHARS)
        html = self._environment.get_template(f"{name}.html").render(values, subject=subject)
        return RenderedMail(subject=subject, text=text.strip() + "\n", html=html)


def require_link(url: str) -> str:
    """A URL that may be opened from a mail. Raises ValueError, which is a bug of the caller."""
    if urlsplit(url).scheme not in ("https", "http") or any(each.isspace() for each in url):
        raise ValueError("only links to the web may stand in a mail")
    return url

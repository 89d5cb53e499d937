"""Finds what somebody wrote in a reply to a mail: without what they quote, and without their signature.

Our mails begin with `MARKER`, whatever the language of the reader's mail program: what stands from it on is our mail. Without it,
lines that are quoted (`>`) are left out, and the reply ends where another message is included. Each line is looked at once.
"""

import re
from collections.abc import Sequence
from html.parser import HTMLParser
from typing import Final

MARKER: Final = "Reply above this line to comment"
MAX_TEXT_CHARS: Final = 200_000
_MAX_INTRODUCTION_LINES: Final = 3
_MAX_LINE_CHARS: Final = 2_000
_SIGNATURE: Final = frozenset({"--", "-- "})
# A line that begins an included message: `-----Original Message-----` in any language, or Outlook's rule.
_INCLUDED: Final = re.compile(r"-{3,}[^-]{1,60}-{3,}|_{20,}")
_DEVICE: Final = re.compile(
    r"(?:sent from my|get outlook for|sent from outlook|von meinem .{1,40} gesendet|envoyé de mon|enviado desde mi|enviado do meu"
    r"|inviato da)\b.{0,60}",
    re.IGNORECASE,
)
_INTRODUCES: Final = re.compile(r"[@<\d]")
_BLOCKS: Final = frozenset(
    {"p", "div", "br", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "hr", "pre", "ul", "ol"}
)
_SKIPPED: Final = frozenset({"blockquote", "head", "style", "script", "title"})


def reply_text(text: str) -> str:
    """What was written in the text of a reply; empty where nothing was."""
    lines = [line[:_MAX_LINE_CHARS] for line in text[:MAX_TEXT_CHARS].replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    written: list[str] = []
    for line in lines:
        bare = line.strip()
        if MARKER in line or _INCLUDED.fullmatch(bare):
            _drop_introduction(written)
            break
        if line in _SIGNATURE:
            break
        if bare.startswith(">"):
            _drop_introduction(written)
            continue
        written.append(line.rstrip())
    while written and (not written[-1].strip() or _DEVICE.fullmatch(written[-1].strip())):
        written.pop()
    return "\n".join(written).strip("\n")


def text_of_html(html: str) -> str:
    """The text of a reply that has no plain one, without what is quoted in `blockquote`."""
    reader = _TextReader()
    reader.feed(html[:MAX_TEXT_CHARS])
    reader.close()
    return re.sub(r"\n{3,}", "\n\n", "".join(reader.parts)).strip()


def _drop_introduction(written: list[str]) -> None:
    """Leave out the line that introduces a quotation (`On Monday Ada <ada@example.com> wrote:`), which may be broken."""
    end = len(written)
    while end and not written[end - 1].strip():
        end -= 1
    if not end or not written[end - 1].rstrip().endswith((":", "：")):
        return
    begin = end - 1
    while begin and end - begin < _MAX_INTRODUCTION_LINES and written[begin - 1].strip():
        begin -= 1
    introduction: Sequence[str] = written[begin:end]
    if begin and written[begin - 1].strip():  # a longer paragraph: only its last line
        introduction = introduction[-1:]
    if _INTRODUCES.search(" ".join(introduction)):
        del written[end - len(introduction) :]


class _TextReader(HTMLParser):
    """Collects text, a line for each block."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._skipping: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SKIPPED:
            self._skipping.append(tag)
        if tag in _BLOCKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._skipping:
            while self._skipping.pop() != tag:
                pass
        if tag in _BLOCKS and tag != "br":
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._skipping:
            self.parts.append(" ".join(data.split()) if data.strip() else "")

"""Finds what somebody wrote in a reply to a mail: without what they quote, and without their signature.

Our mails begin with `MARKER`, whatever the language of the reader's mail program: what stands from it on is our mail. Without it,
lines that are quoted (`>`) are left out, and the reply ends where another message is included.

Time is linear in the text, whatever it is: anybody can send one. A line is looked at a bounded number of times; a token of HTML
always matches, if need be up to the end of the text, and its pattern never goes back (`*+`), which `html.parser` does.
"""

import re
from collections import Counter
from collections.abc import Sequence
from html import unescape
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
# Comments, tags, what is neither, and text. What is not closed goes on to the end, as in HTML's own rules.
_TOKEN: Final = re.compile(
    r"""
    <!--(?:-?>|.*?(?:--!?>|\Z))
    | <(?P<slash>/?)(?P<tag>[a-z][^\s/>]*+)(?:[^>=]++|=\s*+(?:"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z))?+)*+(?:>|\Z)
    | <[!?/][^>]*+(?:>|\Z)
    | (?P<text><?[^<]*+)
    """,
    re.ASCII | re.IGNORECASE | re.DOTALL | re.VERBOSE,
)
# In these a tag is text, but for their own end.
_RAW_ENDS: Final = {
    tag: re.compile(rf"</{tag}(?=[\s/>])", re.ASCII | re.IGNORECASE) for tag in ("script", "style", "textarea", "title")
}
_LONG_REFERENCE: Final = re.compile(r"&#[xX]?[0-9a-fA-F]{20,}+;?")  # of no character; `unescape` refuses thousands of digits


def reply_text(text: str) -> str:
    """What was written in the text of a reply; empty where nothing was."""
    lines = [line[:_MAX_LINE_CHARS] for line in text[:MAX_TEXT_CHARS].replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    written: list[str] = []
    is_introduced = False  # whether the lines before a quotation have been looked at: it has one introduction
    for line in lines:
        bare = line.strip()
        if MARKER in line or _INCLUDED.fullmatch(bare):
            if not is_introduced:
                _drop_introduction(written)
            break
        if line in _SIGNATURE:
            break
        if bare.startswith(">"):
            if not is_introduced:
                _drop_introduction(written)
            is_introduced = True
            continue
        written.append(line.rstrip())
        is_introduced = is_introduced and not bare
    while written and (not written[-1].strip() or _DEVICE.fullmatch(written[-1].strip())):
        written.pop()
    return "\n".join(written).strip("\n")


def text_of_html(html: str) -> str:
    """The text of a reply that has no plain one, without what is quoted in `blockquote`."""
    html = html[:MAX_TEXT_CHARS]
    parts: list[str] = []
    opened: list[str] = []  # of what is skipped, from the outside in
    counts: Counter[str] = Counter()
    at = 0
    while at < len(html) and (token := _TOKEN.match(html, at)):
        at = token.end()
        text, tag = token["text"], (token["tag"] or "").lower()
        if text and not opened:
            shown = unescape(_LONG_REFERENCE.sub("\ufffd", text))
            parts.append(" ".join(f".{shown}.".split())[1:-1])  # white space is one blank, also at the ends
        if tag in _BLOCKS:
            parts.append("\n")
        if tag in _SKIPPED and not token["slash"] and not token[0].endswith("/>"):
            opened.append(tag)
            counts[tag] += 1
        if token["slash"] and counts[tag]:
            while (closed := opened.pop()) != tag:
                counts[closed] -= 1
            counts[tag] -= 1
        if tag in _RAW_ENDS and not token["slash"] and not token[0].endswith("/>"):
            end = _RAW_ENDS[tag].search(html, at)
            at = end.start() if end else len(html)
    lines = (" ".join(line.split()) for line in "".join(parts).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


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

"""The inline nodes of a text block as Markdown.

Emphasis in CommonMark depends on the characters around its asterisks, so asterisks are written only where no neighbour can change their
meaning; everywhere else stand the tags `<strong>`, `<em>`, `<s>`, which the reader takes for the same marks. Underline is `<u>` always, a
mention is `[@name](mention:id)`. White space at the rim of a mark is moved out of it, code keeps no other mark, and marks that Markdown
doesn't have are left out.
"""

import re
from collections.abc import Iterable, Sequence
from itertools import groupby
from urllib.parse import quote

from content.text import links
from content.text.plain_text import mention
from content.text.tree import Mark, Node

BREAK = "\n"
MARKS = ("link", "underline", "strike", "bold", "italic", "code")
_TAGS = {"underline": "u", "strike": "s", "bold": "strong", "italic": "em"}
_SIGNS = {"strike": "~~", "bold": "**", "italic": "*"}
_SPECIAL = re.compile(r"[\\`*\[\]<~]|(?<![^\W_])_|_(?![^\W_])|&(?=#?\w+;)")
_LINES = re.compile("[\t\n\r\x0b\x0c\x1c-\x1f\x85\u2028\u2029]")
_IN_ADDRESS = re.compile(r"[\x00-\x20\x7f-\xa0<>()\\\"'`*_\[\]|~]|\s|&(?=#?\w+;)")

Key = tuple[str, str, str]
Run = tuple[str | Node, tuple[Key, ...]]


def inline(nodes: Iterable[Node], *, hard_break: str = "\\\n") -> str:
    """Inline nodes, breaks among them written as told; breaks and white space at the ends are left out."""
    runs = _tidied(nodes)
    parts: list[str] = []
    line: list[Run] = []
    for run in (*runs, None):
        if run is not None and run[0] != BREAK:
            line.append(run)
            continue
        parts.append(_Writer().write(line))
        line = []
    while len(parts) > 1 and not parts[-1]:
        parts.pop()
    return hard_break.join(parts)


def expressible(marks: Iterable[Mark]) -> tuple[Mark, ...]:
    """Those of some marks that Markdown can say."""
    known = tuple(mark for mark in marks if mark.name in MARKS and (mark.name != "link" or links.link(mark.attrs) is not None))
    code = tuple(mark for mark in known if mark.name == "code")
    return code or known


def escaped(text: str) -> str:
    """Text that Markdown reads as itself, in the middle of a line."""
    return _SPECIAL.sub(r"\\\g<0>", text)


def address(href: str) -> str:
    """An address that may stand in brackets."""
    return _IN_ADDRESS.sub(lambda found: "&amp;" if found[0] == "&" else quote(found[0], safe=""), href)


def image(node: Node) -> str:
    """An image, or nothing where its address may not be loaded."""
    source = links.picture(node.attrs)
    if source is None:
        return ""
    return f"![{escaped(_on_one_line(str(node.attrs.get('alt') or '')))}]({address(source)}{_title(node.attrs.get('title'))})"


def _title(title: object) -> str:
    if not title:
        return ""
    text = re.sub(r'[\\"]|&(?=#?\w+;)', r"\\\g<0>", _on_one_line(str(title)))
    return f' "{text}"'


def _on_one_line(text: str) -> str:
    return _LINES.sub(" ", text).replace("\0", "\ufffd").strip()


def _tidied(nodes: Iterable[Node]) -> list[Run]:
    """Runs with only what Markdown can say: white space belongs to those marks that both its neighbours have."""
    pieces: list[Run] = []
    for node in nodes:
        if node.type == "hardBreak":
            pieces.append((BREAK, ()))
        elif node.text is None:
            pieces.append((node, ()))
        else:
            text = _LINES.sub(" ", node.text).replace("\0", "\ufffd")
            marks = tuple(key(mark) for mark in expressible(node.marks))
            if marks and marks[-1][0] == "code":
                pieces.append((text, marks))
                continue
            core = text.strip()
            start = text.index(core)
            pieces += [(part, marks) for part in (text[:start], core, text[start + len(core) :]) if part]
    return _merged(_without_blank_ends(_shared(pieces)))


def _blank(run: Run) -> bool:
    """White space that Markdown may drop: not that in code."""
    piece, marks = run
    return isinstance(piece, str) and piece != BREAK and not piece.strip() and not _is_code(marks)


def _is_code(marks: tuple[Key, ...]) -> bool:
    return bool(marks) and marks[-1][0] == "code"


def _shared(pieces: Sequence[Run]) -> list[Run]:
    """White space with only the marks that both its neighbours have."""
    behind: list[tuple[Key, ...]] = []
    following: tuple[Key, ...] = ()
    for run in reversed(pieces):
        behind.append(following)
        if not _blank(run):
            following = run[1]
    shared: list[Run] = []
    before: tuple[Key, ...] = ()
    for run, after in zip(pieces, reversed(behind), strict=True):
        if _blank(run):
            shared.append((run[0], tuple(mark for mark in before if mark in after and mark[0] != "code")))
        else:
            shared.append(run)
            before = run[1]
    return shared


def _without_blank_ends(pieces: Sequence[Run]) -> list[Run]:
    """No white space at the ends of lines, where Markdown drops it."""
    kept: list[Run] = []
    for run in (*pieces, (BREAK, ())):
        if run[0] == BREAK:
            while kept and _blank(kept[-1]):
                kept.pop()
        if not _blank(run) or (kept and kept[-1][0] != BREAK):
            kept.append(run)
    return kept[:-1]


def _merged(pieces: list[Run]) -> list[Run]:
    whole: list[Run] = []
    for (mergeable, marks), several in groupby(pieces, key=lambda run: (isinstance(run[0], str) and run[0] != BREAK, run[1])):
        if mergeable:
            whole.append(("".join(str(piece) for piece, _ in several), marks))
        else:
            whole += several
    return whole


def key(mark: Mark) -> Key:
    """What Markdown says of a mark: two with the same key are the same there."""
    if mark.name != "link":
        return (mark.name, "", "")
    return ("link", address(str(links.link(mark.attrs))), _title(mark.attrs.get("title")))


class _Writer:
    """Writes the runs of one line, each mark around as many neighbours as share it."""

    def __init__(self, before: str = "") -> None:
        self._parts: list[str] = []
        self._last = before

    def write(self, runs: Sequence[Run], behind: str = " ") -> str:
        at = 0
        while at < len(runs):
            piece, marks = runs[at]
            if not marks:
                self._put(escaped(piece) if isinstance(piece, str) else _atom(piece))
                at += 1
                continue
            end = at
            while end < len(runs) and runs[end][1][:1] == marks[:1]:
                end += 1
            within = [(inner, rest[1:]) for inner, rest in runs[at:end]]
            after = _first(runs[end]) if end < len(runs) else behind
            self._mark(marks[0], within, after)
            at = end
        return "".join(self._parts)

    def _mark(self, mark: Key, within: list[Run], after: str) -> None:
        name, href, title = mark
        if name == "code":
            self._put(_code("".join(piece for piece, _ in within if isinstance(piece, str))))
            return
        before = self._last or " "
        if name == "link":
            self._put(f"[{_Writer('[').write(within, ']')}]({href}{title})")
            return
        sign = _SIGNS.get(name)
        if sign:
            text = _Writer(" ").write(within, " ")
            if _stands(sign, text, before, after, whole=len(within) == 1):
                self._put(sign + text + sign)
                return
        tag = _TAGS[name]
        self._put(f"<{tag}>{_Writer('>').write(within, '<')}</{tag}>")

    def _put(self, text: str) -> None:
        if not text:
            return
        if text[0] == "[" and self._last == "!" and self._parts:
            self._parts[-1] = self._parts[-1][:-1] + "\\!"
        self._parts.append(text)
        self._last = text[-1]


def _stands(sign: str, text: str, before: str, after: str, *, whole: bool) -> bool:
    """Whether signs around the text open and close what they should, whatever stands beside them."""
    if not text or sign[0] in (before, after):
        return False
    if sign == "**" and whole and re.fullmatch(r"\*[^\W_](?:[^*\\~<]*[^\W_])?\*", text):
        return True
    if sign[0] in (text[0], text[-1]):
        return False
    return (text[0].isalnum() or before.isspace()) and (text[-1].isalnum() or after.isspace()) and text[-1] != "\\"


def _first(run: Run) -> str:
    piece, marks = run
    if marks:
        return {"link": "[", "code": "`", "underline": "<"}.get(marks[0][0], "*")
    return piece[0] if isinstance(piece, str) else "["


def _atom(node: Node) -> str:
    if node.type == "image":
        return image(node)
    if node.type == "mention":
        label = escaped(_on_one_line(mention(node)))
        return f"[{label}](mention:{quote(str(node.attrs.get('id') or ''), safe='')})"
    return "".join(escaped(_on_one_line(inner.text)) for inner in node.walk() if inner.text)


def _code(text: str) -> str:
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * (longest + 1)
    if text.startswith("`") or text.endswith("`") or (text.startswith(" ") and text.endswith(" ") and text.strip(" ")):
        text = f" {text} "
    return f"{fence}{text}{fence}"

"""Writes the inline nodes of a text block as Markdown.

Emphasis is written with asterisks where these are read as it (`content.text.delimiters`), else with the tags `<strong>`,
`<em>`, `<s>`, which the parser takes for the same marks. Underline is `<u>` always, a mention is
`[@name](mention:id)`. Of marks that overlap the longest stands outside, but no link is parted. White space at the rim of a
mark is moved out of it, that at the ends of lines is left out, as no reader shows it; code keeps no other mark than a link, and
marks that Markdown doesn't have are left out.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from urllib.parse import quote

from content.text import links
from content.text.delimiters import SIGNS, Edge, Emphasis, Part, join
from content.text.plain_text import mention_text
from content.text.tree import CODE_LINK, INLINE, INVISIBLE_BLANKS, Mark, Node

BREAK = Node("hardBreak")
MARKS = ("link", "underline", "strike", "bold", "italic", "code")
_RANK = {name: rank for rank, name in enumerate(MARKS)}
_SPECIAL = re.compile(r"[\\`*\[\]<~]|(?<![^\W_])_|_(?![^\W_])|&(?=#?\w+;)")
_ENTITIES = {"\n": "&#10;", "\r": "&#13;", "\0": "\ufffd"}
_AUTOLINK = re.compile(r"[a-zA-Z][a-zA-Z0-9+.\-]{1,31}:[^<>\x00-\x20]*")
_LABEL = "[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
_EMAIL = re.compile(rf"[a-zA-Z0-9.!#$%&'*+/=?^_`{{|}}~-]+@{_LABEL}(?:\.{_LABEL})*")
_NEEDS_BRACKETS = re.compile(r"[\x00-\x20\x7f]|^<")

Key = tuple[str, str, str]
"""What Markdown says of a mark: its name and, of a link, its address and title."""
Run = tuple[str | Node, tuple[Key, ...]]


def inline(nodes: Iterable[Node], *, hard_break: str = "\\\n", is_whole: bool = True) -> str:
    """Inline nodes, breaks among them written as told, and `<br>` at the end; white space at the ends of lines is left out.

    What is not `is_whole` is put together with others, and then its ends are looked after: `with_whole_ends`.
    """
    runs = _tidied(nodes)
    lines: list[list[Run]] = [[]]
    for run in runs:
        if run[0] is BREAK:
            lines.append([])
        else:
            lines[-1].append(run)
    parts = [_line(line) for line in lines]
    filled = len(parts)
    while filled > 1 and not parts[filled - 1]:
        filled -= 1
    text = hard_break.join(parts[:filled])
    return (with_whole_ends(text) if is_whole else text) + "<br>" * (len(parts) - filled)


def is_blank(nodes: Iterable[Node]) -> bool:
    """Returns whether `inline` has nothing to write for some nodes; told without writing them."""
    for node in shown(nodes):
        if node.text is None:
            if node.type != "image" or image(node):
                return False
        elif node.text.strip(INVISIBLE_BLANKS) or (node.text and _is_code(keys(node.marks))):
            return False
    return True


def expressible(marks: Iterable[Mark]) -> tuple[Mark, ...]:
    """Those of some marks that Markdown can say."""
    known = tuple(mark for mark in marks if key(mark) is not None)
    if any(mark.name == "code" or is_code_link(mark) for mark in known):
        return tuple(mark for mark in known if mark.name in ("link", "code"))
    return known


def keys(marks: Iterable[Mark]) -> tuple[Key, ...]:
    """What Markdown says of some marks, in the order of their rank: two texts with the same keys read the same there."""
    found: dict[Key, None] = {}
    for mark in expressible(marks):
        found[key(mark) or ("", "", "")] = None
        if is_code_link(mark):
            found["code", "", ""] = None
    return tuple(sorted(found, key=lambda key: _RANK[key[0]]))


def escaped(text: str) -> str:
    """Text that Markdown reads as itself, in the middle of a line."""
    text = _SPECIAL.sub(r"\\\g<0>", text)
    for character, entity in _ENTITIES.items():
        text = text.replace(character, entity)
    return text


def image(node: Node) -> str:
    """An image, within its link where it has one; nothing where it has no address that Markdown can say."""
    source = links.markdown_address(node.attrs.get("src"))
    if source is None:
        return ""
    written = f"![{escaped(str(node.attrs.get('alt') or ''))}]({_target(source, node.attrs.get('title'))})"
    href = links.markdown_address(node.attrs.get("href"))
    return f"[{written}]({_target(href, node.attrs.get('hrefTitle'))})" if href is not None else written


def key(mark: Mark) -> Key | None:
    """What Markdown says of a mark, None where it can say nothing."""
    if mark.name not in MARKS:
        return None
    if mark.name != "link":
        return (mark.name, "", "")
    href = links.markdown_address(mark.attrs.get("href"))
    return None if href is None else ("link", href, str(mark.attrs.get("title") or ""))


def is_code_link(mark: Mark) -> bool:
    """Returns whether a mark is a link whose text is code."""
    return mark.name == "link" and mark.attrs.get("class") == CODE_LINK


def _target(href: str, title: object) -> str:
    """What stands in a link's parentheses."""
    text = re.sub(r"\\(?=[!-/:-@\[-`{-~])|&(?=#?\w+;)", r"\\\g<0>", href)
    if _NEEDS_BRACKETS.search(href) or (title and not href):
        text = re.sub(r"[\n\r\0]", lambda found: quote(found[0]), re.sub("[<>]", r"\\\g<0>", text))
        text = f"<{text}>"
    elif not _is_balanced(href):
        text = re.sub("[()]", r"\\\g<0>", text)
    if not title:
        return text
    said = re.sub(r'[\\"]|&(?=#?\w+;)', r"\\\g<0>", str(title))
    for character, entity in _ENTITIES.items():
        said = said.replace(character, entity)
    return f'{text} "{said}"'


def _is_balanced(href: str) -> bool:
    """Returns whether parentheses pair, few enough within each other for any reader."""
    depth = 0
    for bracket in re.findall("[()]", href):
        depth += 1 if bracket == "(" else -1
        if not 0 <= depth < 32:
            return False
    return depth == 0


def is_white(character: str) -> bool:
    """White space to emphasis and to the ends of paragraphs, as CommonMark has it."""
    return character in "\t\f\v" or unicodedata.category(character) == "Zs"


def with_whole_ends(text: str) -> str:
    """A paragraph whose ends keep their white space: a reader strips it, but not where it is named."""
    for at in (0, -1):
        if text and is_white(text[at]):
            entity = f"&#{ord(text[at])};"
            text = entity + text[1:] if at == 0 else text[:-1] + entity
    return text


def _tidied(nodes: Iterable[Node]) -> list[Run]:
    """Runs with only what Markdown can say: white space belongs to those marks that both its neighbours have."""
    pieces: list[Run] = []
    for node in shown(nodes):
        if node.type == "hardBreak":
            pieces.append((BREAK, ()))
        elif node.text is None:
            pieces.append((node, ()))
        else:
            marks = keys(node.marks)
            if _is_code(marks):
                pieces.append((re.sub("[\r\n]", " ", node.text).replace("\0", "\ufffd"), marks))
                continue
            start, end = 0, len(node.text)
            while start < end and is_white(node.text[start]):
                start += 1
            while end > start and is_white(node.text[end - 1]):
                end -= 1
            pieces += [(part, marks) for part in (node.text[:start], node.text[start:end], node.text[end:]) if part]
    return _merged(_without_blank_ends(_shared(pieces)))


def shown(nodes: Iterable[Node]) -> Iterator[Node]:
    """Inline nodes, with what is in those of names that are not known here in their place."""
    for node in nodes:
        if node.text is not None or node.type in INLINE:
            yield node
        else:
            yield from shown(node.content)


def _is_code(marks: tuple[Key, ...]) -> bool:
    return bool(marks) and marks[-1][0] == "code"


def _blank(run: Run) -> bool:
    """White space outside of code."""
    piece, marks = run
    return isinstance(piece, str) and all(map(is_white, piece)) and not _is_code(marks)


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
    """No blanks and tabs at the ends of lines, where no reader shows them."""
    kept: list[Run] = []
    for piece, marks in (*pieces, (BREAK, ())):
        while piece is BREAK and kept and _blank(kept[-1]):
            trimmed = str(kept.pop()[0]).rstrip(INVISIBLE_BLANKS)
            if trimmed:
                kept.append((trimmed, ()))
                break
        if _blank((piece, marks)) and (not kept or kept[-1][0] is BREAK):
            piece = str(piece).lstrip(INVISIBLE_BLANKS)
        if piece != "":
            kept.append((piece, marks))
    return kept[:-1]


def _merged(pieces: list[Run]) -> list[Run]:
    whole: list[Run] = []
    for (mergeable, marks), several in groupby(pieces, key=lambda run: (isinstance(run[0], str), run[1])):
        if mergeable:
            whole.append(("".join(str(piece) for piece, _ in several), marks))
        else:
            whole += several
    return whole


def _line(runs: Sequence[Run], before: str = " ", behind: str = " ") -> str:
    """The runs of one line, or of a link's text."""
    return join(_nested(runs), before, behind)


def _nested(runs: Sequence[Run]) -> list[Part]:
    """Runs as parts, each mark around as many neighbours as share it, the longest first."""
    parts: list[Part] = []
    at = 0
    while at < len(runs):
        piece, marks = runs[at]
        if not marks:
            parts.append(escaped(piece) if isinstance(piece, str) else _atom(piece))
            at += 1
            continue
        mark, end = _longest(runs, at)
        within = [(inner, tuple(other for other in rest if other != mark)) for inner, rest in runs[at:end]]
        parts += _marked(mark, within)
        at = end
    return parts


def _longest(runs: Sequence[Run], at: int) -> tuple[Key, int]:
    """The mark that goes on longest from here, and where it ends: at the beginning of a link at the latest that goes on behind
    it."""
    ends: dict[Key, int] = {}
    for mark in runs[at][1]:
        end = at + 1
        while end < len(runs) and (runs[end][1] == (mark,) if mark[0] == "code" else mark in runs[end][1]):
            end += 1
        ends[mark] = end
    mark = max(ends, key=lambda found: (found[0] != "code", ends[found], -_RANK[found[0]]))
    end = ends[mark]
    if mark[0] == "link" or end == len(runs):
        return mark, end
    link = _link_of(runs[end])
    if link is None or _link_of(runs[end - 1]) != link:
        return mark, end
    start = end - 1
    while start > at and _link_of(runs[start - 1]) == link:
        start -= 1
    return (mark, start) if start > at else (link, ends[link])


def _link_of(run: Run) -> Key | None:
    return run[1][0] if run[1] and run[1][0][0] == "link" else None


def _marked(mark: Key, within: Sequence[Run]) -> list[Part]:
    name, href, title = mark
    if name == "code":
        return [_code("".join(piece for piece, _ in within if isinstance(piece, str)))]
    if name == "link":
        return [_link(href, title, within)]
    if name in SIGNS:
        emphasis = Emphasis(name)
        return [Edge(emphasis, is_end=False), *_nested(within), Edge(emphasis, is_end=True)]
    return ["<u>", *_nested(within), "</u>"]


def _link(href: str, title: str, within: Sequence[Run]) -> str:
    """A link; one whose text is its address as short as CommonMark has it."""
    piece, marks = within[0]
    if len(within) == 1 and not marks and not title and isinstance(piece, str):
        if piece == href and _AUTOLINK.fullmatch(href):
            return f"<{href}>"
        if f"mailto:{piece}" == href and _EMAIL.fullmatch(piece):
            return f"<{piece}>"
    return f"[{_line(within, '[', ']')}]({_target(href, title)})"


def _atom(node: Node) -> str:
    if node.type == "image":
        return image(node)
    return f"[{escaped(mention_text(node))}](mention:{quote(str(node.attrs.get('id') or ''), safe='')})"


def _code(text: str) -> str:
    taken = {len(run) for run in re.findall("`+", text)}
    fence = "`" * next(length for length in range(1, len(taken) + 2) if length not in taken)
    if text.startswith("`") or text.endswith("`") or (text.startswith(" ") and text.endswith(" ") and text.strip(" ")):
        text = f" {text} "
    return f"{fence}{text}{fence}"

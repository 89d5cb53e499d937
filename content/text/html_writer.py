"""Rich text as HTML that TipTap reads back; every text is escaped and no address can run a script."""

from html import escape

from content.text import links
from content.text.plain_text import mention_text
from content.text.tree import CODE_LINK, Mark, Node

_BLOCKS = {
    "paragraph": "p",
    "blockquote": "blockquote",
    "bulletList": "ul",
    "listItem": "li",
    "tableRow": "tr",
}
_MARKS = {"bold": "strong", "italic": "em", "strike": "s", "underline": "u", "code": "code"}


def to_html(doc: Node) -> str:
    """The blocks of a tree, without a page around them."""
    return "".join(_node(block) for block in doc.content)


def _node(node: Node) -> str:
    if node.text is not None:
        return _run(node)
    inside = "".join(_node(child) for child in node.content)
    if node.type in _BLOCKS:
        return f"<{_BLOCKS[node.type]}>{inside}</{_BLOCKS[node.type]}>"
    match node.type:
        case "heading":
            level = heading_level(node)
            return f"<h{level}>{inside}</h{level}>"
        case "codeBlock":
            language = node.attrs.get("language")
            named = f' class="language-{escape(str(language))}"' if language else ""
            return f"<pre><code{named}>{inside}</code></pre>"
        case "orderedList":
            start = first_number(node)
            return f'<ol start="{start}">{inside}</ol>' if start != 1 else f"<ol>{inside}</ol>"
        case "taskList":
            return f'<ul data-type="taskList">{inside}</ul>'
        case "taskItem":
            done = bool(node.attrs.get("checked"))
            box = f'<label><input type="checkbox" disabled{" checked" if done else ""}></label>'
            return f'<li data-type="taskItem" data-checked="{str(done).lower()}">{box}<div>{inside}</div></li>'
        case "table":
            return f"<table><tbody>{inside}</tbody></table>"
        case "tableHeader" | "tableCell":
            tag = "th" if node.type == "tableHeader" else "td"
            spans = "".join(
                f' {key}="{span}"' for key in ("colspan", "rowspan") if isinstance(span := node.attrs.get(key), int) and span > 1
            )
            align = node.attrs.get("align")
            aligned = f' style="text-align: {align}"' if align in ("left", "center", "right") else ""
            return f"<{tag}{spans}{aligned}>{inside}</{tag}>"
        case "horizontalRule":
            return "<hr>"
        case "hardBreak":
            return "<br>"
        case "image":
            return _image(node)
        case "mention":
            id_ = escape(str(node.attrs.get("id") or ""))
            return f'<span data-type="mention" data-id="{id_}">{escape(mention_text(node))}</span>'
    return inside


def heading_level(node: Node) -> int:
    """1 to 6, whatever stands in the document."""
    level = node.attrs.get("level")
    return min(max(level, 1), 6) if isinstance(level, int) else 1


def first_number(node: Node) -> int:
    """Where an ordered list begins to count."""
    start = node.attrs.get("start")
    return start if isinstance(start, int) and 0 <= start < 10**9 else 1


def _image(node: Node) -> str:
    source = links.safe_image(node.attrs)
    if source is None:
        return ""
    more = "".join(f' {key}="{escape(str(node.attrs[key]))}"' for key in ("alt", "title") if node.attrs.get(key))
    opened, closed = _link(node.attrs.get("href"), node.attrs.get("hrefTitle"))
    return f'{opened}<img src="{escape(source)}"{more}>{closed}'


def _run(node: Node) -> str:
    text = escape(node.text or "", quote=False)
    for mark in reversed(node.marks):
        opened, closed = _tags(mark)
        text = opened + text + closed
    return text


def _tags(mark: Mark) -> tuple[str, str]:
    if mark.name in _MARKS:
        return f"<{_MARKS[mark.name]}>", f"</{_MARKS[mark.name]}>"
    if mark.name != "link":
        return "", ""
    opened, closed = _link(mark.attrs.get("href"), mark.attrs.get("title"))
    return (f"{opened}<code>", f"</code>{closed}") if mark.attrs.get("class") == CODE_LINK else (opened, closed)


def _link(href: object, title: object) -> tuple[str, str]:
    """The tags of a link, empty where its address may not be followed."""
    address = links.safe_address(href)
    if address is None:
        return "", ""
    named = f' title="{escape(str(title))}"' if title else ""
    return f'<a href="{escape(address)}"{named} rel="noopener noreferrer nofollow">', "</a>"

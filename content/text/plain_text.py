"""Rich text as plain text: a line for each text block, for search, previews and offsets of attributions."""

from content.text.tree import TEXTBLOCKS, Node


def to_text(doc: Node) -> str:
    """The lines of a tree, each ended by a line break."""
    return "".join(line(block) + "\n" for block in textblocks(doc))


def textblocks(node: Node) -> tuple[Node, ...]:
    """The blocks that hold text themselves, in the order of the text."""
    if node.type in TEXTBLOCKS or any(child.text is not None for child in node.content):
        return (node,)
    return tuple(block for child in node.content for block in textblocks(child))


def line(block: Node) -> str:
    """The text of one block."""
    return "".join(letters(child) for child in block.content)


def letters(inline: Node) -> str:
    """What one inline node reads as."""
    if inline.text is not None:
        return inline.text
    if inline.type == "hardBreak":
        return "\n"
    if inline.type == "mention":
        return mention(inline)
    if inline.type == "image":
        return str(inline.attrs.get("alt") or "")
    return "".join(letters(child) for child in inline.content)


def mention(node: Node) -> str:
    """A mention reads as the name behind an @."""
    return "@" + str(node.attrs.get("label") or node.attrs.get("id") or "")

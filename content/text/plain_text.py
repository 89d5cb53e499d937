"""Renders a rich text as plain text: a line for each text block, for search, previews and the offsets of attributions."""

from content.text.tree import Node, is_textblock


def to_text(doc: Node) -> str:
    """The lines of a tree, each ended by a line break."""
    return "".join(block_text(block) + "\n" for block in textblocks(doc))


def textblocks(node: Node) -> tuple[Node, ...]:
    """The blocks that hold text themselves, in the order of the text."""
    if is_textblock(node):
        return (node,)
    return tuple(block for child in node.content for block in textblocks(child))


def block_text(block: Node) -> str:
    """The text of one block."""
    return "".join(inline_text(child) for child in block.content)


def inline_text(inline: Node) -> str:
    """What one inline node reads as."""
    if inline.text is not None:
        return inline.text
    if inline.type == "hardBreak":
        return "\n"
    if inline.type == "mention":
        return mention_text(inline)
    if inline.type == "image":
        return str(inline.attrs.get("alt") or "")
    return "".join(inline_text(child) for child in inline.content)


def mention_text(node: Node) -> str:
    """Returns a mention as it reads: the name behind an @."""
    return "@" + str(node.attrs.get("label") or node.attrs.get("id") or "")

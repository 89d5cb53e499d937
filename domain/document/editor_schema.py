"""The editor schema of rich texts: the nodes and marks that an editor must know, by version.

ProseMirror editors delete for everybody what their own schema lacks, on opening a document and without a key pressed. So a client
announces the version that its editor implements; one that announces none is assumed to have TipTap's StarterKit (of TipTap 3) and
nothing else, and may only read documents that hold more. Names and attributes are those of TipTap's extensions.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

SCHEMA_VERSION: Final = 1
FRAGMENT: Final = "default"
"""The name of the Y.XmlFragment that holds a text; the body of a presentation's slide is `slide:{id}`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSpec:
    """A node or mark: its name, its attributes, TipTap's extension for it, and since which version of the schema it is there."""

    name: str
    attributes: tuple[str, ...] = ()
    extension: str = "@tiptap/starter-kit"
    since: int = 0

    @property
    def is_in_starter_kit(self) -> bool:
        """Whether every TipTap editor has it."""
        return self.since == 0


NODES: Final = (
    NodeSpec(name="paragraph"),
    NodeSpec(name="heading", attributes=("level",)),
    NodeSpec(name="blockquote"),
    NodeSpec(name="bulletList"),
    NodeSpec(name="orderedList", attributes=("start", "type")),
    NodeSpec(name="listItem"),
    NodeSpec(name="codeBlock", attributes=("language",)),
    NodeSpec(name="hardBreak"),
    NodeSpec(name="horizontalRule"),
    NodeSpec(name="taskList", extension="@tiptap/extension-list", since=1),
    NodeSpec(name="taskItem", attributes=("checked",), extension="@tiptap/extension-list", since=1),
    NodeSpec(name="table", extension="@tiptap/extension-table", since=1),
    NodeSpec(name="tableRow", extension="@tiptap/extension-table", since=1),
    NodeSpec(name="tableHeader", attributes=("colspan", "rowspan", "colwidth"), extension="@tiptap/extension-table", since=1),
    NodeSpec(name="tableCell", attributes=("colspan", "rowspan", "colwidth"), extension="@tiptap/extension-table", since=1),
    NodeSpec(name="image", attributes=("src", "alt", "title"), extension="@tiptap/extension-image", since=1),
    NodeSpec(name="mention", attributes=("id", "label"), extension="@tiptap/extension-mention", since=1),
)
MARKS: Final = (
    NodeSpec(name="bold"),
    NodeSpec(name="italic"),
    NodeSpec(name="strike"),
    NodeSpec(name="underline"),
    NodeSpec(name="code"),
    NodeSpec(name="link", attributes=("href", "target", "rel", "class", "title")),
)
_NAMES_BY_VERSION: Final[Mapping[int, frozenset[str]]] = {
    version: frozenset(each.name for each in (*NODES, *MARKS) if each.since <= version) for version in range(SCHEMA_VERSION + 1)
}
STARTER_KIT: Final = _NAMES_BY_VERSION[0]


def unknown_names(used: Collection[str], version: int | None, shown: Collection[str] = ()) -> frozenset[str]:
    """
    The nodes and marks of a document that a client's editor would delete.

    `version` is what the client announced, None for nothing; a version newer than ours knows all of ours. Names that are in no
    version of the schema come from editors with extensions of their own: a client knows those that it has written itself
    (`shown`), and one that announces a version is trusted with them.
    """
    if version is None:
        return frozenset(used) - STARTER_KIT - frozenset(shown)
    if version >= SCHEMA_VERSION:
        return frozenset()
    ours = _NAMES_BY_VERSION[SCHEMA_VERSION]
    return (frozenset(used) & ours) - _NAMES_BY_VERSION[max(version, 0)] - frozenset(shown)

"""Defines EditorSchema: the nodes and marks that an editor of documents must know, so that it deletes nothing."""

from domain.document import editor_schema
from schema.fields import leaf, view


@view("A node or mark of the editor schema.")
class EditorSchemaType:
    """View over `domain.document.editor_schema.NodeSpec`."""

    name: str = leaf("Name, as in ProseMirror and in the Yjs document.")
    attributes: list[str] = leaf("Names of its attributes.")
    extension: str = leaf("npm package of the TipTap extension that implements it.")
    is_in_starter_kit: bool = leaf("Whether TipTap's StarterKit implements it.")


@view(
    "The editor schema of rich texts. An editor that lacks one of these nodes or marks deletes it for everybody "
    "when it opens a document; "
    "so announce `version` when connecting. Clients that announce none may only read documents that hold more than StarterKit's."
)
class EditorSchema:
    """View over `domain.document.editor_schema`."""

    version: int = leaf(
        "Version to announce: the query parameter `schema` of `/collaboration`.", lambda _: editor_schema.SCHEMA_VERSION
    )
    fragment: str = leaf("Name of the Y.XmlFragment that holds a text.", lambda _: editor_schema.FRAGMENT)
    nodes: list[EditorSchemaType] = leaf("Nodes.", lambda _: editor_schema.NODES)
    marks: list[EditorSchemaType] = leaf("Marks.", lambda _: editor_schema.MARKS)

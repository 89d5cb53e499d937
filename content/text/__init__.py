"""Rich text: the XML fragment that y-prosemirror and TipTap write, as a tree, and the tree as Markdown, HTML, plain text and
JSON."""

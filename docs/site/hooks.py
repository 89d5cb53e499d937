"""Adds to the site what is made, not written: the reference of the graph, the pages as Markdown, and llms.txt.

The reference is read from `schema/schema.graphql`, so it cannot be out of date. `llms.txt` (llmstxt.org) lists the pages in the
order of the menu, each with its first sentence; every page lies beside its HTML as the Markdown that it was made from.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLUnionType,
    Undefined,
    build_schema,
    get_named_type,
    is_introspection_type,
    is_specified_scalar_type,
    print_ast,
)
from graphql.utilities import ast_from_value
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.nav import Navigation, Section
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
SDL = ROOT / "schema" / "schema.graphql"
REPOSITORY_FILES = re.compile(r"\]\((?:\.\./)+([A-Z]+\.md)(#[\w-]*)?\)")
"""Links out of `docs/`, to files of the repository that are not pages of the site."""
_FENCE = re.compile(r"^(```\w+) [\w .-]+$", re.MULTILINE)
"""Words behind a block's language tell the tests what it is; the site's Markdown knows none."""
_pages: list[Page] = []


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages of the reference and the schema itself."""
    sdl = SDL.read_text()
    for name, text in reference_pages(build_schema(sdl)).items():
        files.append(File.generated(config, f"reference/{name}.md", content=text))
    files.append(File.generated(config, "schema.graphql", content=sdl))
    files.append(File.generated(config, "icon.svg", content=(ROOT / "gateway/graphiql/source/src/icon.svg").read_text()))
    files.append(File.generated(config, "llms.txt", content=""))  # written at the end, when the pages are known
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Take off what the site's Markdown does not know: words behind the language of a block, links to files of the repository."""
    return _FENCE.sub(r"\1", REPOSITORY_FILES.sub(lambda found: f"](#) (`{found[1]}` of the repository)", markdown))


def on_nav(nav: Navigation, config: MkDocsConfig, files: Files) -> Navigation:
    """Remember the pages in the order of the menu."""
    _pages[:] = nav.pages
    return nav


def on_post_build(config: MkDocsConfig) -> None:
    """Write llms.txt, and each page as Markdown."""
    site = Path(config.site_dir)
    lines = [f"# {config.site_name}", "", f"> {config.site_description}", ""]
    section: Section | None = None
    for page in _pages:
        if page.parent is not section:
            section = page.parent
            lines += ["", f"## {section.title if section else 'Pages'}", ""]
        path = page.file.src_uri
        text = page.file.content_string
        target = site / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        lines.append(f"- [{page.title}]({path}): {first_sentence(text)}")
    lines += ["", "## Optional", "", "- [Schema](schema.graphql): The whole graph as SDL, with descriptions.", ""]
    (site / "llms.txt").write_text(re.sub(r"\n{3,}", "\n\n", "\n".join(lines)))


def first_sentence(markdown: str) -> str:
    """The first sentence of a page's text, without marks."""
    for paragraph in re.split(r"\n\s*\n", markdown):
        text = " ".join(paragraph.split())
        if text and text[0] not in "#|`<!-":
            plain = re.sub(r"\[([^\]]*)\]\([^)]*\)|[*`<>]", lambda found: found[1] or "", text)
            return re.split(r"(?<=[.:?])\s", plain, maxsplit=1)[0].rstrip(":")
    return ""


def reference_pages(schema: GraphQLSchema) -> dict[str, str]:
    """Markdown of each page of the reference, by its name."""
    roots = {"query": schema.query_type, "mutation": schema.mutation_type, "subscription": schema.subscription_type}
    titles = {"query": "Queries", "mutation": "Mutations", "subscription": "Subscriptions"}
    groups: dict[str, list[GraphQLNamedType]] = {"types": [], "inputs": [], "enums": [], "scalars": []}
    for kind in sorted(schema.type_map.values(), key=lambda each: each.name):
        if is_introspection_type(kind) or kind in roots.values():
            continue
        match kind:
            case GraphQLInputObjectType():
                groups["inputs"].append(kind)
            case GraphQLEnumType():
                groups["enums"].append(kind)
            case GraphQLScalarType():
                groups["scalars"].append(kind)
            case _:
                groups["types"].append(kind)
    home = {kind.name: page for page, kinds in groups.items() for kind in kinds}
    pages = {
        name: _page(titles[name], [_field(each, field, home, level=2) for each, field in sorted(kind.fields.items())])
        for name, kind in roots.items()
        if kind is not None
    }
    for page, kinds in groups.items():
        pages[page] = _page(page.capitalize(), [_type(kind, home, schema) for kind in kinds])
    return pages


def _page(title: str, parts: list[str]) -> str:
    return f"# {title}\n\nMade from the schema.\n\n" + "\n\n".join(parts) + "\n"


def _link(kind: Any, home: dict[str, str]) -> str:
    named = get_named_type(kind)
    shown = f"`{kind}`"
    return f"[{shown}]({home[named.name]}.md#{named.name.lower()})" if named.name in home else shown


def _text(description: str | None) -> str:
    return " ".join((description or "").split()).replace("|", "\\|").replace("<", "&lt;")


def _default(value: GraphQLArgument | GraphQLInputField) -> str:
    node = None if value.default_value is Undefined else ast_from_value(value.default_value, value.type)
    return "" if node is None else f" = `{print_ast(node)}`"


def _inputs(heading: str, inputs: Mapping[str, GraphQLArgument | GraphQLInputField], home: dict[str, str]) -> str:
    rows = [
        f"| `{name}` | {_link(each.type, home)}{_default(each)} | {_text(each.description)} |" for name, each in inputs.items()
    ]
    return "\n".join([f"| {heading} | Type | |", "|---|---|---|", *rows])


def _field(name: str, field: GraphQLField, home: dict[str, str], *, level: int) -> str:
    parts = [f"{'#' * level} {name} {{ #{name.lower()} }}", f"{_text(field.description)} Gives {_link(field.type, home)}."]
    if field.args:
        parts.append(_inputs("Argument", field.args, home))
    return "\n\n".join(parts)


def _type(kind: GraphQLNamedType, home: dict[str, str], schema: GraphQLSchema) -> str:
    parts = [f"## {kind.name} {{ #{kind.name.lower()} }}", _text(kind.description)]
    match kind:
        case GraphQLObjectType() | GraphQLInterfaceType():
            if kind.interfaces:
                parts.append("Implements " + ", ".join(_link(each, home) for each in kind.interfaces) + ".")
            if isinstance(kind, GraphQLInterfaceType):
                parts.append("Implemented by " + ", ".join(_link(each, home) for each in schema.get_possible_types(kind)) + ".")
            rows = [_field_row(name, field, home) for name, field in kind.fields.items()]
            parts.append("\n".join(["| Field | Type | |", "|---|---|---|", *rows]))
        case GraphQLUnionType():
            parts.append("One of " + ", ".join(_link(each, home) for each in kind.types) + ".")
        case GraphQLInputObjectType():
            parts.append(_inputs("Field", kind.fields, home))
        case GraphQLEnumType():
            rows = [f"| `{name}` | {_text(value.description)} |" for name, value in kind.values.items()]
            parts.append("\n".join(["| Value | |", "|---|---|", *rows]))
        case GraphQLScalarType():
            if kind.specified_by_url:
                parts.append(f"Specified by <{kind.specified_by_url}>.")
            elif is_specified_scalar_type(kind):
                parts.append("A scalar of GraphQL itself.")
    return "\n\n".join(part for part in parts if part)


def _field_row(name: str, field: GraphQLField, home: dict[str, str]) -> str:
    takes = "".join(f"<br>`{each}`: {_link(argument.type, home)}{_default(argument)}" for each, argument in field.args.items())
    return f"| `{name}`{takes} | {_link(field.type, home)} | {_text(field.description)} |"

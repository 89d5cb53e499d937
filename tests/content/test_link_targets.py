"""Links of Markdown texts: whatever CommonMark reads as one, and nothing else."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from content.text.link_targets import MAX_BRACKETS, read_link_targets
from tests.support.examples import examples

ID = "VXNlcjowMWEy"
USER = re.compile("user:", re.IGNORECASE)
DOCUMENT = re.compile("document:|/documents/", re.IGNORECASE)
LINK = f"[@Ben](user:{ID})"

many = examples(75, many=5_000, derandomize=True, database=None)
BLOCKS = [
    "# ",
    "---\n",
    "> ",
    "- ",
    "1. ",
    "    ",
    "\t",
    "\n",
    "\n\n",
    "```\n",
    "~~~\n",
    "<div>\n",
    "</div>",
    "| a | b |\n|---|---|\n",
    "[r]: user:x",
]
INLINES = [
    LINK,
    f"[b](<user:{ID}>)",
    "[c][r]",
    "[r]",
    f'[t](user:{ID} "T")',
    "user:q",
    "<user:z>",
    "&#117;ser:",
    "user\\:",
    "&amp;",
]
SIGNS = [
    "`",
    "``",
    "\\",
    "<!-- ",
    " -->",
    "<b>",
    "<a href='",
    "'>",
    "*",
    "_",
    "**",
    "[",
    "]",
    "(",
    ")",
    "!",
    "a ",
    "x",
    "é",
    "\u2028",
]
fragments = st.sampled_from([*BLOCKS, *INLINES, *SIGNS])


def links(markdown: str, pattern: re.Pattern[str] = USER) -> list[str]:
    return [address for address, is_bare in read_link_targets(markdown, pattern) if not is_bare]


def links_of_commonmark(markdown: str, pattern: re.Pattern[str]) -> list[str]:
    """The same by reading the whole text."""
    parser = MarkdownIt("commonmark", {"maxNesting": 100})
    parser.normalizeLink = lambda url: url  # type: ignore[method-assign]
    inlines = [inline for block in parser.parse(markdown) for inline in block.children or ()]
    addresses = [str(each.attrs["href"]) for each in inlines if each.type == "link_open"]
    return [each for each in addresses if pattern.search(each)]


@many
@given(parts=st.lists(fragments, max_size=25))
def test_links_are_those_of_commonmark(parts: list[str]) -> None:
    markdown = "".join(parts)
    assert links(markdown) == links_of_commonmark(markdown, USER)


@pytest.mark.parametrize(
    "markdown",
    [
        LINK,
        f"[@Ben](<user:{ID}>)",
        f'[@Ben](user:{ID} "Ben")',
        f"[@Ben][b]\n\n[b]: user:{ID}",
        f"[b]\n\n[b]: <user:{ID}>",
        f"<user:{ID}>",
        f"[@Ben](&#117;ser:{ID})",
        f"[@Ben](user\\:{ID})",
        f"> - **{LINK}**",
        f"# {LINK}",
        f"[`code`](user:{ID})",
        f"[![picture](x.png)](user:{ID})",
    ],
)
def test_a_link_in_any_form_is_one(markdown: str) -> None:
    assert links(markdown) == [f"user:{ID}"]


@pytest.mark.parametrize(
    "markdown",
    [
        f"`{LINK}`",
        f"``a ` {LINK}``",
        f"```\n{LINK}\n```",
        f"~~~ x\n{LINK}",
        f"    {LINK}",
        f"- a\n\n      {LINK}",
        f"\\{LINK}",
        f"[@Ben]\\(user:{ID})",
        f"x <!-- {LINK} -->",
        f"<!--\n{LINK}\n-->",
        f"<div>\n{LINK}\n</div>",
        f"<a href='user:{ID}'>Ben</a>",
        f"![Ben](user:{ID})",
        f"[b]: user:{ID}",
        f"user:{ID}",
        f"[@Ben] (user:{ID})",
    ],
)
def test_what_is_no_link_is_none(markdown: str) -> None:
    assert links(markdown) == []


@pytest.mark.parametrize(
    ("markdown", "found"),
    [
        ("At https://hive.example.com/documents/abc_d-e, they say", ["https://hive.example.com/documents/abc_d-e,"]),
        ("(/documents/abc)", ["(/documents/abc)"]),
        ("`/documents/abc`", []),
        ("\n    /documents/abc", []),
        ("<!-- /documents/abc -->", []),
        ("[/documents/abc](https://elsewhere.example)", []),
    ],
)
def test_an_address_that_stands_bare_counts_outside_of_code(markdown: str, found: list[str]) -> None:
    targets = read_link_targets(markdown, DOCUMENT)
    assert [address for address, is_bare in targets if is_bare] == found


def test_a_long_text_is_read_only_where_a_link_may_stand() -> None:
    text = "A paragraph with [a link](https://example.com), `code` and **more** words.\n\n" * 3_000
    started = time.process_time()
    assert links(f"{text}{LINK}\n\n{text}") == [f"user:{ID}"]
    assert time.process_time() - started < 3.0


@pytest.mark.parametrize("hostile", ["[", "![", "]", "[a](", "[[a]](", "[a](<b"])
def test_brackets_without_end_take_no_time(hostile: str) -> None:
    started = time.process_time()
    assert links(f"{LINK}\n\nuser: {hostile * (65_000 // len(hostile))}\n\n{LINK}") == [f"user:{ID}"] * 1
    assert time.process_time() - started < 2.0


def test_a_text_with_many_links_is_read_as_a_whole() -> None:
    count = MAX_BRACKETS // 2 - 10
    assert len(links("\n\n".join([LINK] * count))) == count

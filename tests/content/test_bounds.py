"""What a text of a given size may cost at most, whatever stands in it: CPU time of the worst that is known."""

from collections.abc import Callable
from contextlib import suppress
from time import thread_time

import pytest

from content import alignment, crdt, document_types, edit
from content.errors import TextTooDeep
from content.text import markdown_parser, markdown_writer
from content.text.tree import Node, text_run
from domain.document.kind import ContentFormat, DocumentType
from persistence.documents.worker_pool import MAX_INLINE_BYTES

TEXT = DocumentType.TEXT
SHAPES = ["*a ", "a**b", "*a**b", "~~a", "[", "![", "[a](", "> ", "- ", "1. ", "- a\n", "`a", "<a ", "<u>a", "a<![CDATA["]
SHAPES += ["[a\n", "a\n=\n", "a\\\n"]
SHAPES += ["a\n\n", "- [ ] a\n", "![a", "_*", "&amp;", "|a", "> a\n"]


def cpu_seconds(work: Callable[[], object]) -> float:
    """Seconds of CPU, the best of three."""
    times = []
    for _ in range(3):
        began = thread_time()
        work()
        times.append(thread_time() - began)
    return min(times)


def nested_list(depth: int) -> Node:
    """A list in a list in a list …"""
    node = Node("bulletList", content=(Node("listItem", content=(Node("paragraph", content=(text_run("a"),)),)),))
    for _ in range(depth):
        node = Node("bulletList", content=(Node("listItem", content=(Node("paragraph", content=(text_run("a"),)), node)),))
    return Node("doc", content=(node,))


@pytest.mark.parametrize("shape", SHAPES)
def test_nothing_that_is_worked_on_at_once_takes_long(shape: str) -> None:
    text = (shape * MAX_INLINE_BYTES)[: MAX_INLINE_BYTES - 100]

    def work() -> None:
        with suppress(TextTooDeep):  # what would be half read is refused
            update = document_types.parse(TEXT, text[: len(text) // 2])
            edit.replace_all(TEXT, update, text[len(text) // 2 :])

    assert cpu_seconds(work) < 0.2


def test_a_table_of_cells_that_are_not_there_is_text() -> None:
    text = "|a" * 60 + "\n" + "|-" * 60 + "\n" + "|b\n" * 100
    assert [block.type for block in markdown_parser.parse(text).content] == ["paragraph"]
    whole = "|a" * 60 + "|\n" + "|-" * 60 + "|\n" + ("|b" * 60 + "|\n") * 100
    assert [block.type for block in markdown_parser.parse(whole).content] == ["table"]


def test_lists_in_lists_take_no_longer_than_their_length() -> None:
    deep = nested_list(60)
    assert cpu_seconds(lambda: markdown_writer.to_markdown(deep)) < 0.2


def test_a_paragraph_of_many_lines_and_a_long_one_of_many_marks_are_linear() -> None:
    assert cpu_seconds(lambda: markdown_parser.parse("a\n" * 20_000)) < 3
    assert cpu_seconds(lambda: document_types.parse(TEXT, "*a* b " * 10_000)) < 3


def test_a_table_of_anchors_that_show_one_another_is_not_quadratic() -> None:
    left = [at // 2 + at % 2 * 2 for at in range(40_000)]
    right = [-1, *left[1:], -2]
    assert cpu_seconds(lambda: alignment.matches(left, right[::-1])) < 4


def test_every_word_of_a_long_paragraph_can_be_replaced() -> None:
    text = "one two **three** four " * 4_000
    update = document_types.parse(TEXT, text)
    wanted = text.replace("two", "2")
    made = edit.replace_all(TEXT, update, wanted)
    assert document_types.render(TEXT, crdt.load(update, [made]), ContentFormat.MARKDOWN) == wanted.strip() + "\n"

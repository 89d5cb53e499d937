"""Computes differences between two states of a document, and when each part of it was written: the work behind `diffing`.

Called through `persistence.documents.worker_pool`, so everything comes as bytes and plain values, and no answer is longer than
the server can put into an answer at once: a comparison with more than `MAX_HUNKS` hunks distinguishes blocks only, and a text
that was written in more than `MAX_SPANS` turns is refused.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from content import attribution, crdt, document_types
from content.diff import Diff, diff
from content.structs import decode_update
from domain.anchor import Utf16Offsets
from domain.document import ContentFormat, DocumentType
from domain.errors import LimitExceeded

MAX_HUNKS = 4_000
MAX_SPANS = 10_000

EncodedState = tuple[bytes | None, Sequence[bytes]]


@dataclass(frozen=True, slots=True)
class AttributedSpan:
    """From `start` up to `end` of the plain text, in UTF-16 units, by whom (None: nobody known), and when at the latest."""

    start: int
    end: int
    author_id: UUID | None
    edited_at: datetime


def compute_diff(type_: DocumentType, old: EncodedState, new: EncodedState) -> Diff:
    """What changed between two states, as Markdown; of what came, by which client."""
    before = document_types.render(type_, crdt.load(*old), ContentFormat.MARKDOWN)
    document = crdt.load(*new)
    after = document_types.render(type_, document, ContentFormat.MARKDOWN)
    if before == after:
        return diff(before, after)
    spans = attribution.spans(type_, document)
    carried = attribution.remap_spans(spans, document_types.render(type_, document, ContentFormat.TEXT), after)
    return diff(before, after, carried, max_hunks=MAX_HUNKS)


def attribute_spans(
    type_: DocumentType,
    state: EncodedState,
    authors: Mapping[int, UUID],
    edits: Sequence[tuple[bytes, datetime]],
    older: datetime,
) -> list[AttributedSpan]:
    """Who wrote what stands in a text, by whose the clients are; `older` dates what none of the edits brought.

    Raises LimitExceeded beyond `MAX_SPANS`.
    """
    times = _edit_times(edits)
    document = crdt.load(*state)
    several: list[Any] = []
    for span in attribution.spans(type_, document):
        at = next((at for first, end, at in times.get(span.client, ()) if first <= span.clock < end), older)
        author_id = authors.get(span.client)
        last = several[-1] if several else None
        if last is not None and last.end == span.start and last.author_id == author_id:
            # Neighbours by one author made one: people are shown, not their sessions.
            several[-1] = AttributedSpan(last.start, span.end, author_id, max(last.edited_at, at))
        else:
            several.append(AttributedSpan(span.start, span.end, author_id, at))
    if len(several) > MAX_SPANS:
        raise LimitExceeded(f"The text was written in more than {MAX_SPANS} turns: too many to list.", MAX_SPANS)
    units = Utf16Offsets(document_types.render(type_, document, ContentFormat.TEXT))
    return [replace(each, start=units.of(each.start), end=units.of(each.end)) for each in several]


def _edit_times(edits: Sequence[tuple[bytes, datetime]]) -> Mapping[int, Sequence[tuple[int, int, datetime]]]:
    """For each client the clocks (first, after the last) that came with an edit, and when."""
    times: dict[int, list[tuple[int, int, datetime]]] = {}
    for data, at in edits:
        for client, (first, end) in decode_update(data).adds.items():
            times.setdefault(client, []).append((first, end, at))
    return times

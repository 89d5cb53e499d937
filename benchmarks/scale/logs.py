"""Long logs: the events of a team and the edits of a document, few of them in one team and many in the other.

What a client asks of a log is appended, read from its beginning, its middle and near its end, and narrowed to one task. The edits
are those of somebody who types, a character each; versions of the document are saved as the server saves them.
"""

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pycrdt import Doc, Text, TransactionEvent

from app.bootstrap import Resources
from benchmarks.scale.operations import Operation
from domain.document.update import Update
from domain.document.version import MAX_UNSAVED_UPDATES
from persistence.events.document_log import UpdateLog
from resolvers import ids

_BATCH_EDITS = 500
PLACES = ("beginning", "middle", "last hundred")
"""Of a log, from which it is read on."""


@dataclass(frozen=True, slots=True)
class LogSizes:
    """How long the logs of a team are: the edits are of one document."""

    events: int
    edits: int


SHORT = LogSizes(events=1_000, edits=100)
CREATE_DOCUMENT = "mutation ($input: DocumentCreateInput!) { documentCreate(input: $input) { document { id } } }"


class Typist:
    """Somebody who writes a document, character by character."""

    def __init__(self) -> None:
        self._doc: Doc[Any] = Doc()
        self._doc["text"] = self._text = Text()
        self._made: list[bytes] = []
        self._subscription = self._doc.observe(self._take)
        self._length = 0

    def _take(self, event: TransactionEvent) -> None:
        self._made.append(event.update)

    def type(self, edits: int) -> list[bytes]:
        """The next so many edits, as Yjs updates."""
        for _ in range(edits):
            self._text.insert(self._length, " " if self._length % 6 == 5 else "abcdefghij"[self._length % 10])
            self._length += 1
        made, self._made = self._made, []
        return made


async def write_edits(resources: Resources, document_id: UUID, author_id: UUID, typist: Typist, edits: int) -> None:
    """Append so many edits to the log of a document, and save its versions on the way, the last one half their distance ago."""
    log, compaction = UpdateLog(resources.database), resources.services.compaction
    for start in range(0, edits, _BATCH_EDITS):
        made = typist.type(min(_BATCH_EDITS, edits - start))
        await log.append([Update(document_id=document_id, data=each, author_id=author_id) for each in made])
        if (edits - start - len(made)) % MAX_UNSAVED_UPDATES == MAX_UNSAVED_UPDATES // 2:
            await compaction.compact(document_id)


def log_operations(
    cursors: Mapping[str, Mapping[str, str]],
    projects: Mapping[str, str],
    documents: Mapping[str, str],
    edits: Mapping[str, Sequence[bytes]],
    first_run: int,
) -> Iterator[Operation]:
    """
    All of the table, in its order.

    By viewer: `cursors` of the PLACES, the global ids of a project and a document, and further `edits` of this, one for each
    request from `first_run`.
    """
    arguments = "after: $after, first: 50, scope: $scope"
    changes = f"query ($after: SyncCursor, $scope: ChangeScope) {{ changes({arguments}) {{ nodes {{ id kind }} }} }}"
    yield Operation(
        title="append: taskUpdate",
        document="mutation ($input: TaskUpdateInput!) { taskUpdate(input: $input) { errors { code message } } }",
        variables=lambda team, run: {"input": {"id": ids.encode("Task", team.task_id), "title": f"Changed {run}"}},
        writes=True,
    )
    for place in PLACES:
        yield Operation(
            title=f"changes since the {place}",
            document=changes,
            variables=lambda team, _, place=place: {"after": cursors[team.viewer][place]},  # type: ignore[misc]
        )
    for place in PLACES:
        yield Operation(
            title=f"changes of one task since the {place}",
            document=changes,
            variables=lambda team, _, place=place: {  # type: ignore[misc]
                "after": cursors[team.viewer][place],
                "scope": {"entityIds": [ids.encode("Task", team.task_id)]},
            },
        )
    yield Operation(
        title="activity of a project",
        document="query ($id: ID!) { project(id: $id) { activity(first: 50) { nodes { id kind } } } }",
        variables=lambda team, _: {"id": projects[team.viewer]},
    )
    for title, selection in (
        ("document read", "content { text }"),
        ("document opened", "content(format: CRDT) { crdt position }"),
        ("versions of the document", "versions(first: 50) { nodes { id number } }"),
    ):
        yield Operation(
            title=title,
            document=f"query ($id: ID!) {{ document(id: $id) {{ {selection} }} }}",
            variables=lambda team, _: {"id": documents[team.viewer]},
        )
    yield Operation(
        title="append: an edit of the document",
        document="mutation ($input: DocumentApplyUpdateInput!) { documentApplyUpdate(input: $input) { errors { code } } }",
        variables=lambda team, run: {
            "input": {
                "id": documents[team.viewer],
                "sessionId": "bench",
                "updates": [base64.b64encode(edits[team.viewer][(run - first_run) % 10**6]).decode()],
            }
        },
        writes=True,
    )

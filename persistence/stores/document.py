"""Documents over one transaction: index rows at once, objects in storage together at its end."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from content.structs import clients_of
from domain.codec import encode
from domain.document import Document, DocumentVersion
from domain.document.update import LoggedUpdate, Update
from domain.permissions import Role
from domain.rank_compaction import Stretch
from persistence.blobs.document_objects import DocumentObjects, content_key, document_key, version_key
from persistence.engine.advisory_lock import lock_id
from persistence.engine.database import Connection
from persistence.engine.rows import to_entity, to_params
from persistence.engine.statement import Statement
from persistence.events import document_log
from persistence.stores import document_statements

MAX_SEARCH_CHARACTERS = 200_000  # of a document, which search indexes


class SqlDocuments:
    """
    Documents over one transaction.

    Saved objects are in `pending` (JSON by key) until `flush`, just before events are logged: an object is durable before its row
    is. `edits` are the updates that were appended to logs, which are announced after the commit.
    """

    def __init__(self, connection: Connection, objects: DocumentObjects | None, now: datetime) -> None:
        self._connection = connection
        self._objects = objects
        self._now = now
        self.pending: dict[str, Any] = {}
        self.edits: list[LoggedUpdate] = []
        self._required_keys: list[str] = []

    async def flush(self) -> None:
        """Write the saved objects to storage. Raises StorageUnavailable."""
        if self.pending:
            assert self._objects is not None, "this unit of work was opened without the objects of documents"
            await self._objects.write(self.pending, required_keys=self._required_keys)
            self.pending, self._required_keys = {}, []

    async def add(self, document: Document) -> bool:
        """Insert a new document; False when the id is taken."""
        await lock_id(self._connection, document.id)
        if await self._connection.fetch_value(document_statements.IS_TASK_ID, id=document.id):
            return False
        if await self._connection.fetch_value(document_statements.ADD, **to_params(document)) is None:
            return False
        self._stage(document)
        return True

    async def save(self, document: Document) -> None:
        """Update a changed document."""
        await self._connection.execute(document_statements.SAVE, **to_params(document))
        self._stage(document)

    async def add_version(self, version: DocumentVersion, text: str) -> None:
        """Insert a new version."""
        added = await self._connection.fetch_value(document_statements.ADD_VERSION, **to_params(version))
        assert added is not None, "the document is locked, so its next number is free"
        await self._connection.execute(
            document_statements.UPDATE_SEARCH_TEXT, id=version.document_id, words=text[:MAX_SEARCH_CHARACTERS].replace("\0", "")
        )
        self.pending[version_key(version.document_id, version.number)] = encode(version)
        self._required_keys += [content_key(version.document_id, each) for each in {version.crdt, version.markdown, version.text}]

    async def lock(self, document_id: UUID, user_id: UUID) -> tuple[Document, Role, bool] | None:
        """A document that the user may see, with their role and whether its project is archived."""
        row = await self._connection.fetch_row(document_statements.LOCK, id=document_id, user=user_id)
        if row is None:  # or it was moved to another project while this statement waited: the second one reads it there
            row = await self._connection.fetch_row(document_statements.LOCK, id=document_id, user=user_id)
        return row and (to_entity(Document, row), Role(row["role"]), row["archived"])

    async def lock_for_server(self, document_id: UUID) -> Document | None:
        """A document, whoever may see it, locked until the end of the transaction."""
        row = await self._connection.fetch_row(document_statements.LOCK_FOR_SERVER, id=document_id)
        return row and to_entity(Document, row)

    async def lock_many(self, document_ids: Sequence[UUID]) -> None:
        """Lock documents in the order of their ids."""
        await self._connection.fetch(document_statements.LOCK_MANY, ids=list(document_ids))

    async def version(self, document_id: UUID, version_id: UUID) -> DocumentVersion | None:
        """A version, None unless it is of the document."""
        row = await self._connection.fetch_row(document_statements.VERSION, id=version_id, document=document_id)
        return row and to_entity(DocumentVersion, row)

    async def last_rank(self, project_id: UUID) -> str | None:
        """The highest rank in a project."""
        return await self._rank(document_statements.LAST_RANK, project=project_id)

    async def rank_of(self, project_id: UUID, document_id: UUID) -> str | None:
        """The rank of a document, None unless it is in the project."""
        return await self._rank(document_statements.RANK_OF, project=project_id, id=document_id)

    async def is_open_in(self, project_id: UUID, document_id: UUID) -> bool:
        """Whether the document is in the project and is not deleted."""
        return await self._connection.fetch_value(document_statements.OPEN_IN, project=project_id, id=document_id) is not None

    async def rank_after(self, project_id: UUID, rank: str) -> str | None:
        """The lowest rank above."""
        return await self._rank(document_statements.RANK_AFTER, project=project_id, rank=rank)

    async def has_rank(self, project_id: UUID, rank: str) -> bool:
        """Whether a document of the project has this rank."""
        return await self._connection.fetch_value(document_statements.HAS_RANK, project=project_id, rank=rank) is not None

    async def was_compacted(self, document_id: UUID, former_rank: str, rank: str) -> bool:
        """Whether the rank is what compaction made of a former rank of the document."""
        return await document_statements.RANKS.replaced(self._connection, document_id, former_rank) == rank

    async def long_stretch(self, project_id: UUID) -> Stretch | None:
        """The first stretch of the project's list with a rank that is too long."""
        return await document_statements.RANKS.long_stretch(self._connection, project_id)

    async def lock_in(self, project_id: UUID, document_ids: Sequence[UUID]) -> Sequence[Document]:
        """Those of the documents that lie in the project, locked."""
        rows = await document_statements.RANKS.lock_in(self._connection, project_id, document_ids)
        return [to_entity(Document, row) for row in rows]

    async def save_ranks(self, documents: Sequence[Document]) -> None:
        """Store other ranks of the same places, at once."""
        await document_statements.RANKS.save(self._connection, documents)
        for each in documents:
            self._stage(each)

    async def ancestors(self, document_id: UUID) -> Sequence[UUID]:
        """A document's parents from the nearest up."""
        return [row[0] for row in await self._connection.fetch(document_statements.ANCESTORS, id=document_id)]

    async def lock_descendants(self, document_id: UUID) -> Sequence[Document]:
        """All below a document, parents before their children."""
        return [to_entity(Document, row) for row in await self._connection.fetch(document_statements.DESCENDANTS, id=document_id)]

    async def append(self, document_id: UUID, update: bytes, author_id: UUID) -> int:
        """Append an edit to the document's log; its position."""
        edit = Update(document_id=document_id, data=update, author_id=author_id, client_ids=clients_of(update))
        (placed,) = await document_log.append(self._connection, [edit], at=self._now)
        self.edits.append(
            LoggedUpdate(
                document_id=document_id,
                position=placed.position,
                data=update,
                author_id=author_id,
                session_id=None,
                at=self._now,
            )
        )
        return placed.position

    async def _rank(self, statement: Statement, **params: Any) -> str | None:
        found: str | None = await self._connection.fetch_value(statement, **params)
        return found

    def _stage(self, document: Document) -> None:
        self.pending[document_key(document.id)] = encode(document)

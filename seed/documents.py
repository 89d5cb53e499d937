"""Seeds the demo's documents: created through the domain, since their contents are in object storage and not in rows."""

from pathlib import Path
from uuid import UUID

from sqlalchemy import Text, bindparam, func, select

from content import document_types
from domain import document as documents
from domain.actor import Actor
from domain.document import DocumentType
from persistence.blobs.document_objects import DocumentObjects
from persistence.documents.document_reader import StoredState
from persistence.documents.snapshots import SnapshotStore
from persistence.engine.database import Database
from persistence.engine.statement import Statement
from persistence.tables import documents as rows
from persistence.tables import projects, users
from persistence.unit_of_work import Announcer, unit_of_work
from seed.demo_people import DEMO_EMAIL
from seed.ids import Ids

_STORIES = Path(__file__).with_name("stories") / "documents"
_PROJECT = "Checkout and payments"
_SEED = 2
# Title, story, and the index in this list of the parent document.
_DOCUMENTS: tuple[tuple[str, str, int | None], ...] = (
    ("How a payment moves", "how_a_payment_moves", None),
    ("Launch checklist", "launch_checklist", None),
    ("Meeting notes", "meeting_notes", 0),
)
_ANY_DOCUMENT = Statement(select(func.count()).select_from(select(rows.c.id).limit(1).subquery()))
_FIND_PROJECT = Statement(
    select(projects.c.id, users.c.id.label("user_id"))
    .select_from(projects.join(users, func.lower(users.c.email_address) == bindparam("email", type_=Text)))
    .where(projects.c.name == bindparam("name", type_=Text))
    .order_by(projects.c.created_at)
)


async def seed_documents(database: Database, announcer: Announcer, snapshots: SnapshotStore, objects: DocumentObjects) -> int:
    """Create the demo's documents if there is the demo and no document yet; how many."""
    if await database.fetch_value(_ANY_DOCUMENT):
        return 0
    found = await database.fetch_row(_FIND_PROJECT, email=DEMO_EMAIL, name=_PROJECT)
    if found is None:
        return 0
    new_id, created = Ids(_SEED), list[UUID]()
    actor = Actor(user_id=found["user_id"])
    for title, story, parent in _DOCUMENTS:
        id_ = new_id()
        update = document_types.parse(DocumentType.TEXT, (_STORIES / f"{story}.md").read_text())
        state = StoredState(document_id=id_, position=0, snapshot=update)
        snapshot = await snapshots.store(id_, DocumentType.TEXT, state)
        given = {"project_id": found["id"], "title": title, "parent_id": None if parent is None else created[parent]}
        async with unit_of_work(database, announcer, objects=objects) as uow:
            await documents.create(uow, actor, id_, given, initial_snapshot=snapshot)
        created.append(id_)
    return len(created)

"""The documents of the demo: begun through the rules, since what they say lies in object storage and not in rows."""

from pathlib import Path
from uuid import UUID

from sqlalchemy import Text, bindparam, func, select

from content import document_types
from domain import document as documents
from domain.actor import Actor
from domain.document import DocumentType
from persistence.documents.document_reader import StoredState
from persistence.documents.versions import VersionStore
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
# Title, story, and the place in this list of the document that it lies under.
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


async def seed_documents(database: Database, announcer: Announcer, versions: VersionStore) -> int:
    """Begin the demo's documents where there is the demo and no document yet; how many."""
    if await database.fetch_value(_ANY_DOCUMENT):
        return 0
    found = await database.fetch_row(_FIND_PROJECT, email=DEMO_EMAIL, name=_PROJECT)
    if found is None:
        return 0
    new_id, begun = Ids(_SEED), list[UUID]()
    actor = Actor(user_id=found["user_id"])
    for title, story, above in _DOCUMENTS:
        id_ = new_id()
        update = document_types.parse(DocumentType.TEXT, (_STORIES / f"{story}.md").read_text())
        snapshot = await versions.store_snapshot(
            id_, DocumentType.TEXT, StoredState(document_id=id_, position=0, snapshot=update)
        )
        given = {"project_id": found["id"], "title": title, "parent_id": None if above is None else begun[above]}
        async with unit_of_work(database, announcer, objects=versions.objects) as uow:
            await documents.create(uow, actor, id_, given, initial_snapshot=snapshot)
        begun.append(id_)
    return len(begun)

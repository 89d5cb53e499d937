"""Defines AuditEntry and its list."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

import resolvers.audit
import resolvers.user
from resolvers.page import exact_totals, total_counts
from resolvers.scalars import JSON
from schema.connection import Edge, PageInfo
from schema.fields import leaf, relation, view
from schema.node import Node

if TYPE_CHECKING:
    from schema.types.user import User


@view("An entry of the audit log of a team.")
class AuditEntry(Node):
    """View over `domain.audit.AuditEntry`."""

    number: int = leaf("Number in the log of the team, from 1, without gaps.")
    at: datetime = leaf("Time at which it was done.")
    actor: Annotated["User", strawberry.lazy("schema.types.user")] | None = relation(
        resolvers.user.actors,
        "User who did it; null for the server itself, and for a sign-in that was refused.",
        needs=["actor_id"],
    )
    actor_label: str = leaf("Name of the actor at that time.")
    action: str = leaf("Name of what was done, such as `task.updated`, `session.started` or `signIn.refused`.")
    subject_id: strawberry.ID | None = leaf(
        "Global id of what it was done to; null where that is no object.",
        resolvers.audit.subject_id,
        needs=["subject_type", "subject_id"],
    )
    ip_address: str | None = leaf("Address from which it was asked for; null where it was not asked for over the network.")
    user_agent: str | None = leaf("Client, as it describes itself.")
    detail: JSON | None = relation(
        resolvers.audit.details,
        "`changes`: attributes with their values `before` and `after`, in the form of `FieldChange`; left out for those who may "
        "not read the project. A text above 1,000 characters is replaced by `{text, characters, sha256}`, of which `text` is its "
        "beginning. `credential`: the session, API token or OAuth client that it was done with.",
        needs=["subject_type", "project_id", "detail"],
        personal=True,
    )
    hash: str = leaf(
        "SHA-256 over this entry and the hash of the one before, in hexadecimal.", lambda entry: entry.hash.hex(), needs=["hash"]
    )


@strawberry.type(description="A page of an audit log.")
class AuditEntryConnection:
    """View over `domain.page.Page`."""

    edges: list[Edge[AuditEntry]] = leaf("Rows with their cursors.")
    nodes: list[AuditEntry] = leaf("Rows without their cursors.")
    page_info: PageInfo = leaf("Position of the page in the list.")
    total_count: int = relation(total_counts, "Number of rows in the whole list; counted only when selected.")
    total_count_exact: bool = relation(
        exact_totals, "Whether that is the number of rows; false where there are more than 10,000, which are not counted on."
    )
    broken_at: strawberry.ID | None = relation(
        resolvers.audit.broken_at,
        "First entry of this page that was changed, or does not follow on the one before it; null when the chain is whole.",
    )

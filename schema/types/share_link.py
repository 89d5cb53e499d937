"""Defines ShareLink and its payload."""

from datetime import datetime

import resolvers.share_link
import resolvers.user
from resolvers.scalars import URL
from schema.fields import leaf, relation, view
from schema.node import Node
from schema.payload import MutationPayload
from schema.types.user import User


@view("Read-only access to a document, or to a project as a board, for whoever has the address.")
class ShareLink(Node):
    """View over `domain.share_link.ShareLink`."""

    subject: Node | None = relation(
        resolvers.share_link.subjects,
        "What it leads to; null when that was deleted.",
        needs=["subject_type", "subject_id"],
    )
    url: URL = relation(
        resolvers.share_link.urls,
        "Address of its page. What follows `/share/` is a Bearer token, which opens the subject in this graph too.",
        needs=["id"],
    )
    created_by: User | None = relation(
        resolvers.user.savers,
        "User who made it. It shows what they may see, and ends with that.",
        needs=["created_by_id"],
    )
    created_at: datetime = leaf("Time of creation.")
    expires_at: datetime | None = leaf("Time at which it ends by itself; null if never.")
    last_used_at: datetime | None = leaf("Time of the last use, to the minute; null if never.")


@view("Result of creating a share link.")
class ShareLinkPayload(MutationPayload):
    """Payload."""

    share_link: ShareLink | None = leaf("The new link.")

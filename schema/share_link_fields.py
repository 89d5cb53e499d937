"""Declares the fields of the roots that are about share links."""

import strawberry

import resolvers.share_link
from domain.actor import Scope
from resolvers.inputs import share_link as inputs
from resolvers.inputs import team as team_inputs
from schema.fields import query
from schema.payload import mutation
from schema.types.share_link import ShareLink, ShareLinkPayload
from schema.types.user import DeletePayload


@strawberry.type
class ShareLinkQueries:
    """Part of the root of queries."""

    share_link: ShareLink | None = query(
        resolvers.share_link.own,
        "The share link whose token the request carries; null without one.",
        guard="public",
    )


@strawberry.type
class ShareLinkMutations:
    """Part of the root of mutations."""

    share_link_create: ShareLinkPayload | None = mutation(
        resolvers.share_link.create,
        inputs.ShareLinkCreateInput,
        "Opens a document that the viewer may edit, or a project, read-only to whoever has an address.",
        guard=Scope.PROJECTS_WRITE,
    )
    share_link_revoke: DeletePayload | None = mutation(
        resolvers.share_link.revoke,
        team_inputs.DeleteInput,
        "Ends a share link; its creator may, and admins of the team. What was opened with it is closed.",
        guard=Scope.PROJECTS_WRITE,
        delete=["ShareLink"],
    )

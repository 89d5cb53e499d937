"""Declares the query that explains rights."""

import strawberry

import resolvers.access_explanation
from schema.fields import query
from schema.share_link_fields import ShareLinkQueries
from schema.types.access_explanation import AccessExplanation


@strawberry.type
class AccessQueries(ShareLinkQueries):
    """Part of the root of queries."""

    explain_access: AccessExplanation | None = query(
        resolvers.access_explanation.explain_access,
        "Why the viewer, or another user, may do something with an object, or not. Null when the viewer does not see the object.",
        guard="signed in",
        weight=5,
    )

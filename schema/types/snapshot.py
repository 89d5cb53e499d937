"""Defines Snapshot."""

from datetime import datetime

from resolvers.scalars import URL, SyncCursor
from schema.fields import leaf, view


@view("Everything of some types at one moment, with the cursor to go on from.")
class Snapshot:
    """View over `resolvers.snapshot.Snapshot`."""

    url: URL = leaf(
        "Address of the objects: NDJSON, one a line, and a last line with their number. GET it with the access token."
    )
    cursor: SyncCursor = leaf("Cursor from before the objects were read: changes after it are to be applied to them.")
    expires_at: datetime = leaf("Time at which the address expires.")

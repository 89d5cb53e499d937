"""Defines ServerInfo: version, features and limits of the server."""

from datetime import datetime

from domain.document import editor_schema
from schema.fields import leaf, view
from schema.types.editor_schema import EditorSchema


@view("Limits of the server.")
class ServerLimits:
    """View over the limits in force."""

    max_page_size: int = leaf("Maximum number of rows on a page.", lambda limits: limits["page"])
    max_depth: int = leaf("Maximum depth of an operation.", lambda limits: limits["depth"])
    max_cost: int = leaf("Maximum cost of an operation.", lambda limits: limits["cost"])
    max_upload_bytes: int = leaf("Maximum size of a file in bytes.", lambda limits: limits["upload_bytes"])
    max_bulk: int = leaf("Maximum number of rows in a bulk mutation.", lambda limits: limits["bulk"])
    max_connections: int | None = leaf(
        "Maximum number of websockets of one person, in one process of the server; null for any number.",
        lambda limits: limits["connections"],
    )


@view("What the operation was charged, and what is left of the viewer's cost limit.")
class RateLimit:
    """View over `domain.cost_limit.CostCharge`."""

    limit: int = leaf("Cost of operations that may be asked for at once.", "balance.limit.burst")
    remaining: int = leaf("Cost that is left.", "balance.remaining")
    used: int = leaf("Cost that is used: `limit` less `remaining`.", lambda charge: charge.balance.used)
    reset_at: datetime = leaf("When all of it is left again, if nothing more is asked for.")
    cost: int = leaf("Cost of this operation.")


@view("The server: its version, features and limits.")
class ServerInfo:
    """View over `resolvers.context.Services`."""

    version: str = leaf("Version of the server.")
    schema_hash: str = leaf("SHA-256 of the schema's SDL, hexadecimal; changes when the graph does.")
    features: list[str] = leaf("Optional features that are enabled.")
    limits: ServerLimits = leaf("Limits in force.")
    push_public_key: str = leaf("Key for browsers to subscribe with (`applicationServerKey`).", "push.public_key")
    editor_schema: EditorSchema = leaf("Schema that editors of documents implement.", lambda _: editor_schema)

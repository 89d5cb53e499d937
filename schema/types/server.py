"""What clients may know of the server."""

from schema.fields import leaf, view


@view("What the server accepts at most.")
class ServerLimits:
    """View over the limits in force."""

    max_page_size: int = leaf("Rows of one page.", lambda limits: limits["page"])
    max_depth: int = leaf("Levels of one operation.", lambda limits: limits["depth"])
    max_cost: int = leaf("Cost of one operation.", lambda limits: limits["cost"])
    max_upload_bytes: int = leaf("Bytes of one file.", lambda limits: limits["upload_bytes"])
    max_bulk: int = leaf("Rows of one bulk call.", lambda limits: limits["bulk"])


@view("What answers.")
class ServerInfo:
    """View over `resolvers.context.Services`."""

    version: str = leaf("The server's version.")
    schema_hash: str = leaf("SHA-256 of the schema's SDL, hexadecimal; changes when the graph does.")
    features: list[str] = leaf("What is switched on here.")
    limits: ServerLimits = leaf("What is accepted at most.")

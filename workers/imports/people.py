"""Finds who the people that a file names are: members of the team, by address, or by name where only one has it."""

from collections import Counter
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from domain.collation import collation_key
from domain.email_address import email_key
from persistence.engine.database import Database
from persistence.transfer import target
from workers.imports.collection import Collection


async def find_people(database: Database, team_id: UUID, collection: Collection) -> Mapping[str, UUID]:
    """The members of the team by what the file calls them; others are missing."""
    members = await target.members(database, team_id)
    by_email = {row["email_key"]: row["id"] for row in members}
    names = Counter(_name_key(row) for row in members)
    by_name = {_name_key(row): row["id"] for row in members if names[_name_key(row)] == 1}
    found: dict[str, UUID] = {}
    for _, record in collection.read("User"):
        address, name = record["email"], record["name"]
        id_ = by_email.get(email_key(address)) if address else by_name.get(collation_key(name))
        if id_ is not None:
            found[record["id"]] = id_
    return found


def _name_key(row: Any) -> str:
    return collation_key(f"{row['first_name']} {row['last_name']}".strip())

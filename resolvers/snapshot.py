"""Resolves snapshots: the signed URL of everything of some types that the viewer may see, and the cursor to go on from.

The cursor is taken first and the rows are read later, so a change between the two is in the snapshot and comes once more after
the cursor, with a version that the reader has already.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Final
from uuid import UUID

import strawberry
from strawberry import UNSET

from domain.actor import Actor, Scope
from domain.errors import LimitExceeded, Required
from domain.permissions import Action, ResourceKind, Role, granted_actions
from persistence.transfer.snapshot import ProjectActions, SnapshotScope
from resolvers.change import page
from resolvers.context import Context
from resolvers.inputs.change import ChangeScope
from resolvers.inputs.fields import MAX_IDS, to_values
from resolvers.inputs.search_type import TYPE_NAMES, SearchType

SNAPSHOT_PATH: Final = "/sync"
SNAPSHOT_KEY: Final = "snapshot"
URL_SECONDS: Final = 300
_URL_STEP_SECONDS: Final = 60  # URLs that are signed within a minute are equal
_ID_BYTES: Final = 16

Types = Annotated[list[SearchType], strawberry.argument(description="Which objects.")]
InScope = Annotated[ChangeScope | None, strawberry.argument(description="Narrows them, as it does changes; 100 ids at most.")]

_SCOPES: Mapping[str, Sequence[Scope]] = {
    "Team": (Scope.TEAMS_READ,),
    "User": (Scope.TEAMS_READ,),
    "Project": (Scope.PROJECTS_READ, Scope.TEAMS_READ),
    "Task": (Scope.TASKS_READ, Scope.PROJECTS_READ),
    "Document": (Scope.DOCUMENTS_READ, Scope.PROJECTS_READ),
    "Comment": (Scope.TASKS_READ,),
}
"""The scopes with which the graph shows what stands in a line. Comments on documents are left out without DOCUMENTS_READ."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Where a snapshot is, and where it begins."""

    url: str
    cursor: str
    expires_at: datetime


async def get(context: Context, types: Types, scope: InScope = None) -> Snapshot:
    """Everything of these types that the viewer may see."""
    values = {} if scope is None or scope is UNSET else to_values(scope, ("scope",))
    narrowed = values.get("types")
    names = [TYPE_NAMES[each] for each in SearchType if each in types and (narrowed is None or each in narrowed)]
    if not types:
        raise Required(("types",), "Name at least one type.")
    for each in required_scopes(names):
        context.require(each)
    ids = {name: values.get(f"{name}_ids") for name in ("team", "project", "entity")}
    if sum(len(each or ()) for each in ids.values()) > MAX_IDS:
        raise LimitExceeded(f"At most {MAX_IDS} ids are allowed.", MAX_IDS, path=("scope",))
    cursor = (await page(context)).cursor
    expires = -(-(int(context.now.timestamp()) + URL_SECONDS) // _URL_STEP_SECONDS) * _URL_STEP_SECONDS
    params = {"for": str(context.viewer.user_id), "types": ",".join(names)}
    params |= {name: _encode_ids(each) for name, each in ids.items() if each is not None}
    url = context.services.snapshot_urls.sign("GET", SNAPSHOT_KEY, params, expires=expires)
    return Snapshot(url, cursor, datetime.fromtimestamp(expires, UTC))


def decode_parameters(query: Mapping[str, str]) -> tuple[list[str], SnapshotScope]:
    """What a signed URL asks for: names of types, and what they are narrowed to."""
    teams, projects, entities = (_decode_ids(query.get(name)) for name in ("team", "project", "entity"))
    return [each for each in query["types"].split(",") if each], SnapshotScope(teams, projects, entities)


def project_actions(actor: Actor) -> ProjectActions:
    """What `viewerCan` of a project says to them, by what it depends on."""
    return {
        (role, leads, archived): [action for action in Action if action in allowed]
        for role in Role
        for leads in (False, True)
        for archived in (False, True)
        for allowed in [granted_actions(actor, role, ResourceKind.PROJECT, own=leads, archived=archived)]
    }


def required_scopes(type_names: Sequence[str]) -> list[Scope]:
    """The scopes that a token needs for lines of these types."""
    needed = {scope: None for name in type_names for scope in _SCOPES[name]}
    return list(needed)


def _encode_ids(ids: Sequence[UUID]) -> str:
    return base64.urlsafe_b64encode(b"".join(each.bytes for each in ids)).rstrip(b"=").decode()


def _decode_ids(text: str | None) -> list[UUID] | None:
    if text is None:
        return None
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    return [UUID(bytes=raw[start : start + _ID_BYTES]) for start in range(0, len(raw), _ID_BYTES)]

"""Share links: read-only access to one document, or to one project as a board, for whoever has the address.

A link lends what its creator may see of its subject, as long as the creator may see it: it ends when it expires or is revoked,
when the creator leaves the team, loses the project or becomes a guest, and when the subject is deleted.

The token of a link is `hive_share_`, its id and a MAC of that under a secret of the server, so nothing that opens a link is
stored, and whoever may make links can be shown the address again. Rejected: a random secret of which the hash is stored (a lost
address could only be replaced, which breaks it for all who have it).
"""

import base64
import binascii
import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final, Protocol
from uuid import UUID

from domain.actor import Actor
from domain.document import Document, open_document
from domain.errors import Invalid, LimitExceeded, NotFound
from domain.events import ChangeKind, Event, team_stream
from domain.permissions import Action, ResourceKind, Role, access
from domain.ports import UnitOfWork
from domain.project import Project, open_project

TOKEN_PREFIX: Final = "hive_share_"  # noqa: S105 (what every token begins with)
MAX_SHARE_LINKS: Final = 20
"""Of one subject."""
_MAC_BYTES: Final = 16
_TOKEN_CHARS: Final = len(TOKEN_PREFIX) + 43


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareLink:
    """One link. `team_id` and `project_id` are those of the subject when it was made."""

    type_name: ClassVar[str] = "ShareLink"

    id: UUID
    created_at: datetime
    team_id: UUID
    project_id: UUID
    subject_type: str
    subject_id: UUID
    created_by_id: UUID
    expires_at: datetime | None = None
    last_used_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedShareLink:
    """A link as its events carry it."""

    type_name: ClassVar[str] = "ShareLink"

    id: UUID
    version: int = 1
    subject_type: str
    subject_id: UUID
    expires_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _ShareLinkEvent(Event):
    team_id: UUID
    in_project_id: UUID
    link: LoggedShareLink

    @property
    def stream(self) -> str:
        return team_stream(self.team_id)

    @property
    def project_id(self) -> UUID:
        return self.in_project_id

    @property
    def entity(self) -> LoggedShareLink:
        return self.link


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareLinkCreated(_ShareLinkEvent):
    """A document or project was opened to whoever has an address."""

    kind = ChangeKind.CREATED


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareLinkRevoked(_ShareLinkEvent):
    """A link has ended: every process closes the connections that were opened with it."""

    kind = ChangeKind.DELETED


class ShareLinkStore(Protocol):
    """Stores links; a revoked one is deleted."""

    async def add(self, link: ShareLink) -> None: ...
    async def count_on(self, subject_id: UUID, now: datetime) -> int:
        """How many links a subject has that have not expired; those that have are deleted."""
        ...

    async def lock(self, link_id: UUID, user_id: UUID) -> tuple[ShareLink, Role] | None:
        """A link whose subject the user may see, held, with their role in its team; None for guests too."""
        ...

    async def remove(self, link_id: UUID) -> None: ...


class ShareLinkTokens:
    """Makes and reads the tokens of links, under a secret of their own."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def encode(self, link_id: UUID) -> str:
        """The token of a link."""
        raw = link_id.bytes + self._mac(link_id.bytes)
        return TOKEN_PREFIX + base64.urlsafe_b64encode(raw).decode().rstrip("=")

    def decode(self, token: str) -> UUID | None:
        """The link of a token; None for one that was not made here."""
        if len(token) != _TOKEN_CHARS or not token.isascii() or not token.startswith(TOKEN_PREFIX):
            return None
        try:
            raw = base64.urlsafe_b64decode(token.removeprefix(TOKEN_PREFIX) + "=")
        except (binascii.Error, ValueError):
            return None
        id_, mac = raw[:16], raw[16:]
        if not hmac.compare_digest(mac, self._mac(id_)):
            return None
        link_id = UUID(bytes=id_)
        # Base64 has more than one text for the same bytes.
        return link_id if hmac.compare_digest(self.encode(link_id), token) else None

    def _mac(self, content: bytes) -> bytes:
        return hmac.digest(self._secret, content, "sha256")[:_MAC_BYTES]


async def create(uow: UnitOfWork, actor: Actor, subject_id: UUID, *, expires_at: datetime | None) -> ShareLink:
    """Open a document that the actor may edit, or a project that they may share."""
    if expires_at is not None and expires_at <= uow.now:
        raise Invalid(("input", "expiresAt"), "This time is past.")
    subject = await _open_subject(uow, actor, subject_id)
    if await uow.share_links.count_on(subject.id, uow.now) >= MAX_SHARE_LINKS:
        raise LimitExceeded(f"There are at most {MAX_SHARE_LINKS} links to one thing; revoke one first.", MAX_SHARE_LINKS)
    link = ShareLink(
        id=uow.new_id(),
        created_at=uow.now,
        team_id=subject.team_id,
        project_id=subject.id if isinstance(subject, Project) else subject.project_id,
        subject_type=subject.type_name,
        subject_id=subject.id,
        created_by_id=actor.user_id,
        expires_at=expires_at,
    )
    await uow.share_links.add(link)
    uow.record(ShareLinkCreated(actor_id=actor.user_id, team_id=link.team_id, in_project_id=link.project_id, link=_logged(link)))
    return link


async def revoke(uow: UnitOfWork, actor: Actor, link_id: UUID) -> UUID:
    """End a link: its creator may, and admins of the team."""
    path = ("input", "id")
    found = await uow.share_links.lock(link_id, actor.user_id)
    if found is None:
        raise NotFound(path)
    link, role = found
    own = link.created_by_id == actor.user_id
    rights = access(actor, role, ResourceKind.SHARE_LINK, own=own, path=path)
    rights.require(Action.DELETE, "Only its creator or an admin can revoke a link.", path=path)
    await uow.share_links.remove(link.id)
    uow.record(ShareLinkRevoked(actor_id=actor.user_id, team_id=link.team_id, in_project_id=link.project_id, link=_logged(link)))
    return link.id


async def _open_subject(uow: UnitOfWork, actor: Actor, subject_id: UUID) -> Document | Project:
    path = ("input", "subjectId")
    try:
        project, rights = await open_project(uow, actor, subject_id, path=path)
    except NotFound:
        document, _ = await open_document(uow, actor, subject_id, Action.UPDATE, path)
        if document.deleted_at is not None:
            raise Invalid(path, "This was deleted.") from None
        return document
    rights.require(Action.SHARE, path=path)
    return project


def _logged(link: ShareLink) -> LoggedShareLink:
    return LoggedShareLink(id=link.id, subject_type=link.subject_type, subject_id=link.subject_id, expires_at=link.expires_at)

"""What the rules need from outside: the unit of work, through which alone they read, write and record events."""

from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

if TYPE_CHECKING:
    import re
    from collections.abc import Sequence

    from domain.account_mail import AccountMail
    from domain.account_token import AccountTokenStore
    from domain.api_token import ApiTokenStore
    from domain.attachment import AttachmentStore
    from domain.audit import AuditStore
    from domain.calendar_feed import CalendarFeedStore
    from domain.comment import CommentStore
    from domain.device_code import DeviceCodeStore
    from domain.document import DocumentStore
    from domain.events import Event
    from domain.external_identity import ExternalIdentityStore
    from domain.factor import FactorStore
    from domain.invitation import InvitationStore
    from domain.job import JobStore
    from domain.label import LabelStore
    from domain.mail_report import MailReportStore
    from domain.notification import DeliveryStore, NotificationSettingsStore, NotificationStore
    from domain.oauth_client import OAuthClientStore
    from domain.oauth_grant import OAuthGrantStore
    from domain.project import ProjectStore
    from domain.push_device import PushDeviceStore
    from domain.reference import LinkTarget, ReferenceStore
    from domain.session import SessionStore
    from domain.share_link import ShareLinkStore
    from domain.task import TaskStore
    from domain.task_link import TaskLinkStore
    from domain.team import TeamStore
    from domain.template import TemplateStore
    from domain.undo.change_log import ChangeLog
    from domain.user import UserStore
    from domain.watch import WatchStore
    from domain.webhook import WebhookStore


class UnitOfWork(Protocol):
    """One operation, one transaction: everything in it is committed together, or nothing is.

    Nobody commits by hand: the transaction ends with the operation, and events leave only after the commit.
    """

    @property
    def now(self) -> datetime:
        """The instant of this operation, UTC; all its rows carry the same."""
        ...

    @property
    def users(self) -> "UserStore": ...
    @property
    def sessions(self) -> "SessionStore": ...
    @property
    def api_tokens(self) -> "ApiTokenStore": ...
    @property
    def share_links(self) -> "ShareLinkStore": ...
    @property
    def oauth_clients(self) -> "OAuthClientStore": ...
    @property
    def external_identities(self) -> "ExternalIdentityStore": ...
    @property
    def factors(self) -> "FactorStore": ...
    @property
    def account_tokens(self) -> "AccountTokenStore": ...
    @property
    def device_codes(self) -> "DeviceCodeStore": ...
    @property
    def oauth_grants(self) -> "OAuthGrantStore": ...
    @property
    def calendar_feeds(self) -> "CalendarFeedStore": ...
    @property
    def teams(self) -> "TeamStore": ...
    @property
    def invitations(self) -> "InvitationStore": ...
    @property
    def labels(self) -> "LabelStore": ...
    @property
    def projects(self) -> "ProjectStore": ...
    @property
    def tasks(self) -> "TaskStore": ...
    @property
    def task_links(self) -> "TaskLinkStore": ...
    @property
    def templates(self) -> "TemplateStore": ...
    @property
    def documents(self) -> "DocumentStore": ...
    @property
    def references(self) -> "ReferenceStore": ...
    @property
    def comments(self) -> "CommentStore": ...
    @property
    def attachments(self) -> "AttachmentStore": ...
    @property
    def watches(self) -> "WatchStore": ...
    @property
    def notifications(self) -> "NotificationStore": ...
    @property
    def notification_settings(self) -> "NotificationSettingsStore": ...
    @property
    def deliveries(self) -> "DeliveryStore": ...
    @property
    def audit(self) -> "AuditStore": ...
    @property
    def webhooks(self) -> "WebhookStore": ...
    @property
    def push_devices(self) -> "PushDeviceStore": ...
    @property
    def mail_reports(self) -> "MailReportStore": ...
    @property
    def jobs(self) -> "JobStore": ...
    @property
    def change_log(self) -> "ChangeLog": ...

    async def read_links(self, markdown: str, interesting: "re.Pattern[str]") -> "Sequence[LinkTarget]":
        """The addresses that a Markdown text links to, as CommonMark reads it, and in which the pattern is found."""
        ...

    def new_id(self) -> UUID:
        """A fresh UUIDv7."""
        ...

    def record(self, event: "Event") -> None:
        """Record a fact: it is logged with the transaction and announced after it."""
        ...

    def send_mail(self, mail: "AccountMail") -> None:
        """Have a mail sent after the transaction, soon."""
        ...

    def savepoint(self) -> AbstractAsyncContextManager[None]:
        """A part that can fail alone: on an exception its writes and its events are undone, and the exception goes on."""
        ...

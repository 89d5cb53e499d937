"""What consumers, jobs and schedules may use; opened by the process, shared by all."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from domain.audit import Seal
from domain.blob import BlobStore
from domain.events import Entry
from domain.mail import Mailer
from domain.push import Pusher
from domain.webhook import Webhook, WebhookSecrets
from outgoing.safe_http import SafeHttpClient
from persistence.blobs.document_objects import DocumentObjects
from persistence.documents.compaction import CompactionService
from persistence.documents.contents import ContentReader
from persistence.documents.snapshots import SnapshotStore
from persistence.documents.worker_pool import WorkerPool
from persistence.engine.database import Database
from persistence.unit_of_work import Announcer
from workers.notification_mail import NotificationMails
from workers.notification_texts import NotificationTexts

if TYPE_CHECKING:
    from persistence.search.opensearch.engine import OpenSearchEngine

RenderWebhook = Callable[[Webhook, Entry, str], Awaitable[str | None]]
"""The body of a message about an entry with a name; None where the webhook does not see it. Raises UnusablePayload."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerServices:
    """Services that live as long as the worker. `announcer` announces events to those who watch; `wake` lets workers know that a
    stream or a kind of jobs has work (`persistence.queue`)."""

    database: Database
    announcer: Announcer
    blobs: BlobStore
    document_objects: DocumentObjects
    document_contents: ContentReader
    compaction: CompactionService
    snapshots: SnapshotStore
    worker_pool: WorkerPool
    wake: Callable[[str], None]
    public_url: str
    mailer: Mailer
    notification_mails: NotificationMails
    audit_seal: Seal
    audit_retention_days: int
    outgoing: SafeHttpClient
    webhook_secrets: WebhookSecrets
    render_webhook: RenderWebhook
    notification_texts: NotificationTexts
    pusher: Pusher
    search_engine: "OpenSearchEngine | None" = None

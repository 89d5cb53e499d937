"""Opens the adapter of each port that the settings name: files, mail, pushes, search, the queue of workers, and pub/sub."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, urlsplit

from app.settings import Settings
from auth.providers.port import PROVIDERS_PATH, Provider
from auth.push_key import open_push_key
from auth.server_secret import ServerSecret
from domain.blob import BlobStore
from domain.email_address import ascii_form
from domain.mail import Mailer
from domain.mail_reply import ReplyAddresses
from domain.notification import UnsubscribeTokens
from domain.push import Pusher
from mail.console import ConsoleMailer
from mail.mail_url import CONSOLE_URL, SesRegion, SmtpServer, parse_mail_url
from mail.message import parse_mailbox
from mail.no_mail import NoMailer
from mail.rendering import MailTemplates
from outgoing.safe_http import SafeHttpClient
from persistence.blobs.local import LocalBlobs
from persistence.engine.database import Database
from persistence.queue.port import WorkQueue
from persistence.queue.postgres import PostgresQueue
from persistence.search.port import SearchIndex
from persistence.search.postgres import PostgresSearch
from push.by_platform import PushByPlatform
from push.sns import SnsPusher, parse_push_url
from push.web_push import WebPusher, public_key_of
from realtime.announcements import PubSubBackend
from realtime.memory_backend import MemoryBackend
from resolvers.context import PushRegistration
from workers.notification_mail import NotificationMails
from workers.notification_texts import NotificationTexts

if TYPE_CHECKING:
    from persistence.search.opensearch.engine import OpenSearchEngine

DEVELOPMENT_SENDER: Final = "PantheraHive <hive@pantherahive.example>"


@asynccontextmanager
async def open_queue(settings: Settings, url: str) -> AsyncIterator[WorkQueue]:
    """What wakes workers: the queue that is set, or NOTIFY. Whether the queue answers shows when it is used: the leading worker
    finds all work without it."""
    if settings.queue_url is not None:
        from persistence.queue.sqs import SqsQueue  # its client takes 0.5 s to import

        async with SqsQueue.open(settings.queue_url) as queue:
            yield queue
        return
    async with PostgresQueue.open(url) as notifying:
        yield notifying


@asynccontextmanager
async def open_blobs(settings: Settings, secret: ServerSecret) -> AsyncIterator[BlobStore]:
    """The bucket that is set, or a folder. Whether the bucket answers shows when it is used: nothing but files hangs on it."""
    if settings.blobs_url is not None:
        from persistence.blobs.s3 import S3Blobs  # its client takes 0.5 s to import

        async with S3Blobs.open(settings.blobs_url) as bucket:
            yield bucket
        return
    folder = settings.data_dir.absolute() / "blobs"
    async with LocalBlobs.open(folder, secret=secret.derive("blobs"), origin=settings.origin) as local:
        yield local


def file_origins(settings: Settings) -> tuple[str, ...]:
    """Of the bucket to which browsers send files, and from which they get them; none where this server has them."""
    if settings.blobs_url is None:
        return ()
    parts = urlsplit(settings.blobs_url)
    asked = parse_qs(parts.query)
    if "endpoint" in asked:
        endpoint = urlsplit(asked["endpoint"][-1])
        return (f"{endpoint.scheme}://{endpoint.netloc}",)
    bucket, regions = parts.netloc.rpartition("@")[2], asked.get("region", [])
    return tuple(f"https://{bucket}.s3{region}.amazonaws.com" for region in ("", *(f".{each}" for each in regions[-1:])))


@asynccontextmanager
async def open_search(settings: Settings, database: Database) -> AsyncIterator[tuple[SearchIndex, "OpenSearchEngine | None"]]:
    """OpenSearch where it is set, or Postgres; with what workers write through. Whether OpenSearch answers shows when it is used:
    Postgres answers in its place."""
    postgres = PostgresSearch(database)
    if settings.opensearch_url is None:
        yield postgres, None
        return
    from persistence.search.opensearch.engine import OpenSearchEngine  # its client takes 0.2 s to import
    from persistence.search.opensearch.search import OpenSearchSearch

    async with OpenSearchEngine.open(settings.opensearch_url) as engine:
        yield OpenSearchSearch(database, engine, postgres), engine


@asynccontextmanager
async def open_mailer(settings: Settings) -> AsyncIterator[Mailer]:
    """What sends mail; in development the console, unless a server is set. Whether a server answers shows with the first mail."""
    if settings.mail_url is None and settings.production:
        yield NoMailer()
        return
    server = parse_mail_url(settings.mail_url or CONSOLE_URL)
    sender = parse_mailbox(settings.mail_from or DEVELOPMENT_SENDER)
    match server:
        case None:
            yield ConsoleMailer(settings.data_dir.absolute() / "mail", sender=sender)
        case SmtpServer():
            from mail.smtp import SmtpMailer  # only where it is used

            yield SmtpMailer(server, sender=sender)
        case SesRegion():
            from mail.ses import SesMailer  # its client takes 0.5 s to import

            async with SesMailer.open(server, sender=sender) as mailer:
                yield mailer


@asynccontextmanager
async def open_providers(settings: Settings) -> AsyncIterator[Sequence[Provider]]:
    """The outside OpenID providers that the settings name. Whether one answers shows when somebody signs in."""
    if not settings.openid_providers:
        yield ()
        return
    from auth.providers.provider import OpenIDProvider  # its client takes 0.5 s to import

    async with AsyncExitStack() as stack:
        providers = []
        for each in settings.openid_providers:
            redirect_uri = f"{settings.origin}{PROVIDERS_PATH}/{each.id}/callback"
            provider = OpenIDProvider(each.to_provider(), redirect_uri=redirect_uri)
            stack.push_async_callback(provider.aclose)
            providers.append(provider)
        yield providers


@asynccontextmanager
async def open_push(
    settings: Settings, http: SafeHttpClient, database: Database, secret: ServerSecret
) -> AsyncIterator[tuple[Pusher, PushRegistration]]:
    """What sends pushes, to browsers always and to apps where SNS is set; and what devices are registered with."""
    key = await open_push_key(database, secret)
    async with AsyncExitStack() as stack:
        pushers: list[Pusher] = [WebPusher(http, key, contact=_contact(settings))]
        if settings.push_url is not None:
            pushers.append(await stack.enter_async_context(SnsPusher.open(parse_push_url(settings.push_url))))
        pusher = PushByPlatform(pushers)
        yield pusher, PushRegistration(platforms=pusher.platforms, public_key=public_key_of(key), rules=http.rules)


def _contact(settings: Settings) -> str:
    """Where push services reach the operator."""
    if settings.mail_from is not None:
        return f"mailto:{ascii_form(parse_mailbox(settings.mail_from).address)}"
    return settings.origin


def notification_mails(settings: Settings, secret: ServerSecret) -> NotificationMails:
    """What mails about notifications are made with."""
    replies = settings.reply_domain and ReplyAddresses(secret.derive("reply addresses"), settings.reply_domain)
    return NotificationMails(
        templates=MailTemplates(settings.origin),
        tokens=UnsubscribeTokens(secret.derive("unsubscribe")),
        origin=settings.origin,
        texts=NotificationTexts(app_url=settings.app_url and settings.app_url.rstrip("/")),
        reply_addresses=replies or None,
    )


def pubsub_backend(settings: Settings) -> PubSubBackend:
    """Redis, or memory, which reaches this process only."""
    if settings.redis_url is None:
        return MemoryBackend()
    from realtime.redis_backend import RedisBackend  # its client takes 0.3 s to import

    return RedisBackend(settings.redis_url)

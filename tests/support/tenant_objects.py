"""Objects of a tenant that are made past the graph: files, notifications, devices, factors and jobs."""

from dataclasses import replace
from uuid import UUID

from domain import job as jobs
from domain import push_device as push_devices
from domain import template as templates
from domain.attachment import Attachment, AttachmentState
from domain.blob import attachment_key
from domain.external_identity import ExternalIdentity
from domain.factor import Factor, FactorKind
from domain.job import TransferFormat
from domain.notification import Notification, NotificationReason
from domain.outgoing_url import OutgoingRules
from domain.push_device import PushPlatform
from persistence.unit_of_work import unit_of_work
from resolvers import ids
from tests.support.app import App, Person
from tests.support.push_service import Browser
from tests.support.teams import uuid_of

Objects = dict[str, str]
NODE_TYPES = (
    "Activity",
    "ApiToken",
    "Attachment",
    "AuditEntry",
    "Change",
    "Comment",
    "Document",
    "ExternalIdentity",
    "Factor",
    "Invitation",
    "Job",
    "Label",
    "Notification",
    "OAuthClient",
    "Project",
    "PushDevice",
    "Session",
    "ShareLink",
    "Task",
    "TaskLink",
    "Team",
    "Template",
    "User",
    "Webhook",
    "WebhookDelivery",
)
"""The types with a global id, of each of which a tenant has an object."""


async def create_notification(app: App, owner: Person, task_id: UUID) -> str:
    """A notification of the owner about the task."""
    async with unit_of_work(app.resources.database, app.resources.services.pubsub) as uow:
        notification = Notification(
            id=uow.new_id(),
            user_id=owner.user.id,
            reason=NotificationReason.DUE_SOON,
            event_ids=(uow.new_id(),),
            actor_id=None,
            subject_type="Task",
            subject_id=task_id,
            group_key=f"Task:{task_id}",
            created_at=uow.now,
        )
        await uow.notifications.add([notification])
    return ids.encode("Notification", notification.id)


async def create_factor(app: App, person: Person) -> UUID:
    """A second factor that counts, of which nobody knows the codes."""
    async with unit_of_work(app.resources.database, app.resources.services.pubsub) as uow:
        factor = Factor(
            id=uow.new_id(),
            user_id=person.user.id,
            kind=FactorKind.TOTP,
            label=None,
            created_at=uow.now,
            confirmed_at=uow.now,
            encrypted_secret="",
        )
        await uow.factors.add(factor)
    return factor.id


async def create_template(app: App, owner: Person, project_id: str) -> str:
    """A template of a project, which is no more than its name."""
    async with unit_of_work(app.resources.database, app.resources.services.pubsub) as uow:
        template = await templates.create(uow, owner.actor, uuid_of(project_id), "Template")
    return ids.encode("Template", template.id)


async def create_push_device(app: App, owner: Person) -> UUID:
    """A browser of the owner, of a push service that nobody calls."""
    browser = Browser(f"https://push.example.net/{owner.user.id}")
    async with unit_of_work(app.resources.database, app.resources.services.pubsub) as uow:
        device = await push_devices.register(
            uow,
            owner.actor,
            platform=PushPlatform.WEB,
            token=browser.token,
            label=None,
            supported=frozenset({PushPlatform.WEB}),
            rules=OutgoingRules(),
        )
    return device.id


async def create_files(app: App, owner: Person, task_id: str) -> Objects:
    """A file on the task, of which there are no bytes, and one that is the owner's alone."""
    subject = uuid_of(task_id)
    async with unit_of_work(app.resources.database, app.resources.services.pubsub) as uow:
        upload = Attachment(
            id=uow.new_id(),
            created_at=uow.now,
            updated_at=uow.now,
            uploader_id=owner.user.id,
            file_name="file.png",
            content_type="image/png",
            byte_size=1,
            state=AttachmentState.READY,
        )
        file = replace(upload, id=uow.new_id(), subject_type="Task", subject_id=subject, about_type="Task", about_id=subject)
        await uow.attachments.add(upload)
        await uow.attachments.add(file)
    await app.resources.services.blobs.put(attachment_key(upload.id), b"#")
    return {"Attachment": ids.encode("Attachment", file.id), "upload": ids.encode("Attachment", upload.id)}


async def create_job(app: App, owner: Person, team_id: UUID) -> str:
    """An export of the owner that waits."""
    async with unit_of_work(app.resources.database, app.resources.services.pubsub) as uow:
        job = await jobs.start_export(
            uow,
            owner.actor,
            team_id=team_id,
            project_id=None,
            document_id=None,
            format=TransferFormat.CSV,
            include_attachments=False,
        )
    return ids.encode("Job", job.id)


async def create_external_identity(app: App, person: Person) -> UUID:
    """An identity that signs a person in."""
    async with unit_of_work(app.resources.database, app.resources.services.pubsub) as uow:
        identity = ExternalIdentity(
            id=uow.new_id(),
            user_id=person.user.id,
            provider="Example",
            issuer="https://id.example",
            subject=str(uow.new_id()),
            email=person.user.email_address,
            created_at=uow.now,
            last_used_at=uow.now,
        )
        assert await uow.external_identities.add(identity)
    return identity.id

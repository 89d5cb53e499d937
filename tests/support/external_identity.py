"""Identities of outside OpenID providers that sign people in."""

from uuid import UUID

from domain.external_identity import ExternalIdentity
from persistence.unit_of_work import unit_of_work
from tests.support.app import App, Person


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

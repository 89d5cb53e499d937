"""What belongs to one person alone and signs them in: factors, and identities of outside providers."""

from uuid import UUID

from domain.external_identity import ExternalIdentity
from domain.factor import Factor, FactorKind
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

"""What webhooks need from outside."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from domain.webhook.delivery import WebhookDelivery
from domain.webhook.entity import Webhook


class WebhookStore(Protocol):
    """Stores webhooks and their messages."""

    async def add(self, webhook: Webhook) -> None: ...
    async def save(self, webhook: Webhook) -> None: ...
    async def lock(self, webhook_id: UUID) -> Webhook | None:
        """A webhook that is not deleted, held until the end of the operation."""
        ...

    async def count(self, team_id: UUID) -> int:
        """How many webhooks a team has; the caller holds the team."""
        ...

    async def active(self, team_id: UUID) -> Sequence[Webhook]:
        """Those of a team that send."""
        ...

    async def add_deliveries(self, deliveries: Sequence[WebhookDelivery]) -> None:
        """Store messages, unless they are there, and let them be sent."""
        ...

    async def pending_counts(self, webhook_ids: Sequence[UUID]) -> dict[UUID, int]:
        """How many messages wait, counted up to a few more than may."""
        ...

    async def webhook_of(self, delivery_id: UUID) -> UUID | None: ...
    async def lock_delivery(self, delivery_id: UUID) -> WebhookDelivery | None: ...
    async def save_deliveries(self, deliveries: Sequence[WebhookDelivery]) -> None: ...
    async def discard_delivery(self, delivery_id: UUID) -> None: ...
    async def make_due(self, webhook_id: UUID) -> None:
        """Let what waits of a webhook be sent now."""
        ...

    async def discard_deliveries(self, webhook_id: UUID) -> None:
        """Delete all messages of a webhook."""
        ...

    async def manager_ids(self, team_id: UUID) -> Sequence[UUID]:
        """The owner and the admins of a team."""
        ...

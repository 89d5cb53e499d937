"""The table of consumers: what is done after a commit, a line for each (see `workers.consumer`)."""

from typing import Final

from workers.consumer import Consumer
from workers.consumers.audit import audit
from workers.consumers.notifications import notifications
from workers.consumers.webhooks import webhooks

CONSUMERS: Final[tuple[Consumer, ...]] = (notifications, audit, webhooks)

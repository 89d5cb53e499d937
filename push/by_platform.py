"""Sends each push by the pusher of its device's platform."""

from collections.abc import Sequence

from domain.push import Pusher, PushMessage, PushRejected
from domain.push_device import PushDevice


class PushByPlatform:
    """Implements `domain.push.Pusher` over those of single platforms."""

    def __init__(self, pushers: Sequence[Pusher]) -> None:
        self._by_platform = {platform: each for each in pushers for platform in each.platforms}
        self.platforms = frozenset(self._by_platform)

    async def send(self, device: PushDevice, message: PushMessage) -> None:
        pusher = self._by_platform.get(device.platform)
        if pusher is None:
            raise PushRejected("This server does not push to this platform any more.")
        await pusher.send(device, message)

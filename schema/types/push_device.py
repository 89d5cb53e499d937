"""Defines PushDevice and its payload."""

from datetime import datetime

import resolvers.inputs.push_device  # noqa: F401 (declares PushPlatform)
from domain.push_device import PushPlatform
from schema.fields import leaf, view
from schema.node import Node
from schema.payload import MutationPayload


@view("A browser or phone to which the viewer is sent pushes.")
class PushDevice(Node):
    """View over `domain.push_device.PushDevice`."""

    platform: PushPlatform = leaf("By which service it is reached.")
    label: str | None = leaf("What the viewer calls it.")
    created_at: datetime = leaf("Time of its registration.")
    failing_since: datetime | None = leaf("Since when it takes no pushes; null while it does. It is removed after a week.")


@view("Result of registering a device.")
class PushDevicePayload(MutationPayload):
    """Payload."""

    device: PushDevice | None = leaf("The device.")

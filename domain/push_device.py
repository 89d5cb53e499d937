"""Push devices: where people are sent pushes, browsers and phones, until they are removed or their session ends.

A browser is registered with its subscription (the JSON of a PushSubscription), an app with the token of its platform. Whoever has
the device registers it: what another account has registered before is theirs no more.
"""

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar, Final, Protocol
from uuid import UUID

from domain import text
from domain.actor import Actor
from domain.errors import Invalid, LimitExceeded, NotFound, TooLong
from domain.events import ChangeKind, Event, user_stream
from domain.outgoing_url import OutgoingRules, UnsafeUrl
from domain.ports import UnitOfWork

MAX_DEVICES: Final = 20
MAX_FAILING: Final = timedelta(days=7)
"""A device that takes no push for so long is removed."""
FIRST_RETRY, MAX_RETRY = timedelta(seconds=5), timedelta(hours=1)
_MAX_TOKEN_CHARS: Final = 4_096
_MAX_LABEL_CHARS: Final = 100
_PATH: Final = ("input", "token")
_APP_TOKENS: Final = {"APNS": re.compile(r"[0-9a-fA-F]{64,200}"), "FCM": re.compile(r"[A-Za-z0-9_:.-]{32,2048}")}
_PUBLIC_KEY_BYTES, _AUTH_BYTES = 65, 16
_UNCOMPRESSED: Final = 4
# The curve P-256 (FIPS 186-4): y² = x³ - 3x + b, modulo p.
_P: Final = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
_B: Final = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B


class PushPlatform(StrEnum):
    """By which service a device is reached."""

    APNS = "APNS"
    FCM = "FCM"
    WEB = "WEB"


@dataclass(frozen=True, slots=True, kw_only=True)
class PushDevice:
    """
    A device. `token`: that of its platform, or the subscription of a browser (`WebSubscription.encode`); nobody is shown it.
    `session_id`: the session with which it was registered, and ends. `failing_since`: since when no push was taken, and
    `retry_at`, until when it is left alone; None while it works.
    """

    type_name: ClassVar[str] = "PushDevice"
    stored_properties: ClassVar[tuple[str, ...]] = ("token_hash",)

    id: UUID
    user_id: UUID
    platform: PushPlatform
    token: str
    label: str | None
    session_id: UUID | None
    created_at: datetime
    failing_since: datetime | None = None
    retry_at: datetime | None = None

    @property
    def token_hash(self) -> bytes:
        """By which the device is recognized, whatever keys its browser has now."""
        address = WebSubscription.decode(self.token).endpoint if self.platform is PushPlatform.WEB else self.token
        return hashlib.sha256(f"{self.platform.value}:{address}".encode()).digest()

    def failed(self, now: datetime, retry_after_seconds: float | None) -> "PushDevice":
        """The device after a failure: left alone for as long as it has been failing, an hour at most, or as its service asks."""
        since = self.failing_since or now
        pause = min(max(now - since, FIRST_RETRY), MAX_RETRY)
        asked = timedelta(seconds=min(retry_after_seconds or 0.0, MAX_FAILING.total_seconds()))
        return replace(self, failing_since=since, retry_at=now + max(pause, asked))


@dataclass(frozen=True, slots=True)
class WebSubscription:
    """A browser's subscription (RFC 8030, 8291): where it is reached, its public key (an uncompressed point), and its secret."""

    endpoint: str
    public_key: bytes
    auth: bytes

    def encode(self) -> str:
        """As it is stored."""
        return json.dumps({"endpoint": self.endpoint, "p256dh": _base64url(self.public_key), "auth": _base64url(self.auth)})

    @classmethod
    def decode(cls, stored: str) -> "WebSubscription":
        """What `encode` has written."""
        values = json.loads(stored)
        return cls(values["endpoint"], _bytes_of(values["p256dh"]), _bytes_of(values["auth"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedPushDevice:
    """A device as its events carry it."""

    type_name: ClassVar[str] = "PushDevice"

    id: UUID
    version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class _PushDeviceEvent(Event):
    user_id: UUID
    device: LoggedPushDevice

    @property
    def stream(self) -> str:
        return user_stream(self.user_id)

    @property
    def entity(self) -> LoggedPushDevice:
        return self.device


@dataclass(frozen=True, slots=True, kw_only=True)
class PushDeviceRegistered(_PushDeviceEvent):
    """A person registered a device, or registered it again."""

    kind = ChangeKind.CREATED


@dataclass(frozen=True, slots=True, kw_only=True)
class PushDeviceRemoved(_PushDeviceEvent):
    """A device is sent no pushes any more."""

    kind = ChangeKind.DELETED


class PushDeviceStore(Protocol):
    """Stores devices; a removed one is deleted."""

    async def lock_registration(self, user_id: UUID, token_hash: bytes) -> None:
        """Let nobody else register a device for this user, or this device for anybody, before this operation has ended."""
        ...

    async def list_for_user(self, user_id: UUID) -> Sequence[PushDevice]: ...
    async def find_by_token(self, token_hash: bytes) -> PushDevice | None: ...
    async def add(self, device: PushDevice) -> None: ...
    async def save(self, device: PushDevice) -> None: ...
    async def mark(self, device: PushDevice) -> None:
        """Store whether a device fails, and until when it is left alone."""
        ...

    async def remove(self, device_id: UUID, user_id: UUID) -> bool:
        """Delete a user's device; False when there is none."""
        ...

    async def remove_all(self, user_id: UUID) -> None: ...


async def register(
    uow: UnitOfWork,
    actor: Actor,
    *,
    platform: PushPlatform,
    token: str,
    label: str | None,
    supported: frozenset[PushPlatform],
    rules: OutgoingRules,
) -> PushDevice:
    """Register a device of the actor; one that is registered stays, with its new keys and label. `rules`: where pushes may go."""
    if platform not in supported:
        raise Invalid(("input", "platform"), "This server does not push to this platform.")
    device = PushDevice(
        id=uow.new_id(),
        user_id=actor.user_id,
        platform=platform,
        token=_validate_token(platform, token, rules),
        label=None if label is None else text.validate_line(label, ("input", "label"), limit=_MAX_LABEL_CHARS),
        session_id=actor.session_id,
        created_at=uow.now,
    )
    await uow.push_devices.lock_registration(actor.user_id, device.token_hash)
    known = await uow.push_devices.find_by_token(device.token_hash)
    if known is not None and known.user_id == actor.user_id:
        device = replace(device, id=known.id, created_at=known.created_at)
        if device != known:
            await uow.push_devices.save(device)
            _record_registered(uow, actor, device)
        return device
    if len(await uow.push_devices.list_for_user(actor.user_id)) >= MAX_DEVICES:
        raise LimitExceeded(f"At most {MAX_DEVICES} devices are allowed; remove one first.", MAX_DEVICES)
    if known is not None:
        await forget(uow, known)
    await uow.push_devices.add(device)
    _record_registered(uow, actor, device)
    return device


async def remove(uow: UnitOfWork, actor: Actor, device_id: UUID) -> UUID:
    """Remove one of the actor's own devices."""
    if not await uow.push_devices.remove(device_id, actor.user_id):
        raise NotFound(("input", "id"))
    _record_removed(uow, actor.user_id, actor.user_id, device_id)
    return device_id


async def forget(uow: UnitOfWork, device: PushDevice) -> None:
    """Remove a device that is gone, or is somebody else's by now."""
    if await uow.push_devices.remove(device.id, device.user_id):
        _record_removed(uow, None, device.user_id, device.id)


def _record_registered(uow: UnitOfWork, actor: Actor, device: PushDevice) -> None:
    uow.record(PushDeviceRegistered(actor_id=actor.user_id, user_id=actor.user_id, device=LoggedPushDevice(id=device.id)))


def _record_removed(uow: UnitOfWork, actor_id: UUID | None, user_id: UUID, device_id: UUID) -> None:
    uow.record(PushDeviceRemoved(actor_id=actor_id, user_id=user_id, device=LoggedPushDevice(id=device_id)))


def _validate_token(platform: PushPlatform, token: str, rules: OutgoingRules) -> str:
    """The token as it is stored."""
    if len(token) > _MAX_TOKEN_CHARS:
        raise TooLong(_PATH, _MAX_TOKEN_CHARS)
    if platform is PushPlatform.WEB:
        return _validate_subscription(token, rules).encode()
    if not _APP_TOKENS[platform.value].fullmatch(token):
        raise Invalid(_PATH, "This is not a token of this platform.")
    return token.lower() if platform is PushPlatform.APNS else token


def _validate_subscription(token: str, rules: OutgoingRules) -> WebSubscription:
    try:
        given: Any = json.loads(token)
        endpoint, keys = given["endpoint"], given["keys"]
        found = WebSubscription(endpoint, _bytes_of(keys["p256dh"]), _bytes_of(keys["auth"]))
    except (ValueError, TypeError, KeyError, RecursionError, binascii.Error, AttributeError):
        raise Invalid(_PATH, "This is not the JSON of a PushSubscription, with `endpoint` and `keys`.") from None
    if not isinstance(endpoint, str):
        raise Invalid(_PATH, "The endpoint of the subscription is not a text.")
    try:
        rules.parse(endpoint)
    except UnsafeUrl as error:
        raise Invalid(_PATH, f"The endpoint of the subscription cannot be called: {error}") from error
    if not _is_point(found.public_key):
        raise Invalid(_PATH, "The key `p256dh` of the subscription is not a public key of P-256.")
    if len(found.auth) != _AUTH_BYTES:
        raise Invalid(_PATH, f"The key `auth` of the subscription does not have {_AUTH_BYTES} bytes.")
    return found


def _is_point(key: bytes) -> bool:
    """Whether this is an uncompressed point of P-256."""
    if len(key) != _PUBLIC_KEY_BYTES or key[0] != _UNCOMPRESSED:
        return False
    x, y = int.from_bytes(key[1:33], "big"), int.from_bytes(key[33:], "big")
    return x < _P and y < _P and (y * y - (x * x * x - 3 * x + _B)) % _P == 0


def _bytes_of(value: str) -> bytes:
    """The bytes of base64url, with or without padding. Raises ValueError, TypeError and AttributeError."""
    return base64.b64decode(value.translate(_STANDARD) + "=" * (-len(value) % 4), validate=True)


def _base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


_STANDARD: Final = str.maketrans("-_", "+/")

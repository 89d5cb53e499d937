"""This server as a relying party of WebAuthn: options for ceremonies, and the judgement of what comes of them.

A challenge is the time of its issue, random bytes, and a tag over both and its audience, so nothing is stored, and every process
knows those of the others. The signature of a passkey covers the challenge, the origin that the browser saw, and the id of the
relying party; these must be ours, the user verified by the device, and its count of signatures higher than before.
"""

import asyncio
import binascii
import hmac
import ipaddress
import secrets
import struct
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

import orjson

from auth import ceremonies
from auth.server_secret import ServerSecret
from domain.factor import Factor, UsedChallenge
from domain.passkey import CHALLENGE_SECONDS, Assertion, NewCredential, Options
from domain.user import User

_NAME: Final = "PantheraHive"
_HEAD: Final = struct.Struct(">Q16s")
_MAX_CREDENTIAL_JSON_BYTES: Final = 16 * 1024


class WebAuthnRelyingParty:
    """Implements `domain.passkey.RelyingParty`, and judges assertions."""

    def __init__(self, secret: ServerSecret, *, origin: str) -> None:
        self._key = secret.derive("passkey challenges")
        self._id, self._origin = _identity(origin)

    @property
    def is_available(self) -> bool:
        """Whether the server has a name: browsers make no passkeys for numeric addresses."""
        return bool(self._id)

    def creation_options(self, user: User, existing: Sequence[bytes], *, audience: str) -> Options:
        """Options for `navigator.credentials.create`; `existing`: ids of the user's credentials, whose devices get no second."""
        return {
            "rp": {"id": self._id, "name": _NAME},
            "user": {"id": _encode(user.id.bytes), "name": user.email_address, "displayName": user.display_name},
            "challenge": self._issue(audience),
            "pubKeyCredParams": [{"type": "public-key", "alg": each} for each in ceremonies.ALGORITHMS],
            "timeout": CHALLENGE_SECONDS * 1000,
            "excludeCredentials": [{"type": "public-key", "id": _encode(each)} for each in existing],
            "authenticatorSelection": {
                "residentKey": "required",
                "requireResidentKey": True,
                "userVerification": "required",
            },
            "attestation": "none",
        }

    def request_options(self, *, audience: str) -> Options:
        """Options for `navigator.credentials.get`; they name nobody's credentials."""
        return {
            "challenge": self._issue(audience),
            "timeout": CHALLENGE_SECONDS * 1000,
            "rpId": self._id,
            "allowCredentials": [],
            "userVerification": "required",
        }

    async def verify_creation(self, credential: object, *, audience: str) -> NewCredential | None:
        """What a device made by `creation_options` for the audience; None for anything else."""
        try:
            given = _bounded(credential)
            challenge = _challenge_of(given)
        except ceremonies.MALFORMED:
            return None
        if not self.is_available or self._issued_at(challenge, audience) is None:
            return None
        return await asyncio.to_thread(ceremonies.verify_creation, given, challenge, self._id, self._origin)

    def credential_id(self, assertion: Assertion) -> bytes | None:
        """Which credential an assertion claims to be of; None for what is no assertion."""
        try:
            return _decode(_bounded(assertion.credential)["rawId"])
        except ceremonies.MALFORMED:
            return None

    async def verify_assertion(self, assertion: Assertion, passkey: Factor, *, needs_user_handle: bool) -> UsedChallenge | None:
        """
        The proof that the passkey has signed a challenge of the assertion's audience; None for anything else.

        `needs_user_handle`: the device must have chosen the account too, as it does where nobody has said whose it is.
        """
        if passkey.public_key is None or not self.is_available:
            return None
        try:
            given = _bounded(assertion.credential)
            handle = given["response"].get("userHandle")
            if (handle is None and needs_user_handle) or (handle is not None and _decode(handle) != passkey.user_id.bytes):
                return None
            challenge = _challenge_of(given)
            is_of_passkey = _decode(given["rawId"]) == passkey.credential_id
        except ceremonies.MALFORMED:
            return None
        issued_at = self._issued_at(challenge, assertion.audience)
        if issued_at is None or not is_of_passkey:
            return None
        verify, key, count = ceremonies.verify_assertion, passkey.public_key, passkey.sign_count
        signed = await asyncio.to_thread(verify, given, challenge, self._id, self._origin, public_key=key, sign_count=count)
        return None if signed is None else UsedChallenge(factor_id=passkey.id, issued_at=issued_at, sign_count=signed)

    def _issue(self, audience: str) -> str:
        head = _HEAD.pack(time.time_ns() // 1000, secrets.token_bytes(16))
        return _encode(head + self._tag(head, audience))

    def _issued_at(self, challenge: bytes, audience: str) -> int | None:
        """When this server issued the challenge for the audience, in µs; None for one that it did not, or that is too old."""
        head, tag = challenge[: _HEAD.size], challenge[_HEAD.size :]
        if len(head) < _HEAD.size or not hmac.compare_digest(tag, self._tag(head, audience)):
            return None
        issued_at: int = _HEAD.unpack(head)[0]
        return issued_at if time.time_ns() // 1000 < issued_at + CHALLENGE_SECONDS * 1_000_000 else None

    def _tag(self, head: bytes, audience: str) -> bytes:
        return hmac.digest(self._key, head + audience.encode(), "sha256")


def _identity(origin: str) -> tuple[str, str]:
    """The id and origin of the relying party. This machine has the name localhost; other numeric addresses have none."""
    parts = urlsplit(origin)
    host = parts.hostname or ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host, origin
    if not address.is_loopback:
        return "", origin
    return "localhost", f"{parts.scheme}://localhost" + (f":{parts.port}" if parts.port else "")


def _bounded(credential: object) -> dict[str, Any]:
    """The JSON of a credential; raises ValueError for anything too large to be one."""
    if not isinstance(credential, dict) or len(orjson.dumps(credential)) > _MAX_CREDENTIAL_JSON_BYTES:
        raise ValueError("This is no credential.")
    return credential


def _challenge_of(credential: Mapping[str, Any]) -> bytes:
    client_data = orjson.loads(_decode(credential["response"]["clientDataJSON"]))
    if client_data.get("crossOrigin") not in (None, False):
        raise ValueError("The ceremony ran in a frame of another site.")
    return _decode(client_data["challenge"])


def _encode(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def _decode(text: Any) -> bytes:
    """Bytes of base64url without padding, in their only form; raises ValueError."""
    if not isinstance(text, str):
        raise TypeError
    try:
        decoded = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error as error:
        raise ValueError("This is not base64url.") from error
    if _encode(decoded) != text:
        raise ValueError("This is not base64url without padding.")
    return decoded

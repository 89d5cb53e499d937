"""A device that makes passkeys and signs with them, as WebAuthn says; and the lies of one that does not."""

import hashlib
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

_USER_PRESENT, _USER_VERIFIED, _BACKUP_ELIGIBLE, _HAS_CREDENTIAL = 0x01, 0x04, 0x08, 0x40
RP_ID, RP_ORIGIN = "localhost", "http://localhost:8000"
"""Of the in-process servers of tests."""


def encode(value: bytes) -> str:
    """Base64url without padding."""
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class SoftAuthenticator:
    """One passkey. `origin` is the address of the page on which the browser runs the ceremony."""

    origin: str = RP_ORIGIN
    rp_id: str = RP_ID
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    user_handle: bytes | None = None
    sign_count: int = 0
    counts: bool = True
    verifies_user: bool = True
    is_user_present: bool = True
    cross_origin: bool | None = None

    def create(self, options: Mapping[str, Any], **statement: Any) -> dict[str, Any]:
        """What `navigator.credentials.create` answers."""
        self.user_handle = decode(options["user"]["id"])
        client_data = self._client_data("webauthn.create", options["challenge"])
        credential = bytes(16) + len(self.credential_id).to_bytes(2, "big") + self.credential_id + self.public_key
        attested = {"fmt": "none", "attStmt": {}} | statement
        attestation = cbor2.dumps({**attested, "authData": self._authenticator_data(_HAS_CREDENTIAL) + credential})
        return self._json({"clientDataJSON": encode(client_data), "attestationObject": encode(attestation)})

    def sign(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """What `navigator.credentials.get` answers."""
        if self.counts:
            self.sign_count += 1
        client_data = self._client_data("webauthn.get", options["challenge"])
        data = self._authenticator_data()
        signature = self.key.sign(data + hashlib.sha256(client_data).digest(), ec.ECDSA(SHA256()))
        signed = {
            "clientDataJSON": encode(client_data),
            "authenticatorData": encode(data),
            "signature": encode(signature),
        }
        return self._json(signed if self.user_handle is None else signed | {"userHandle": encode(self.user_handle)})

    @property
    def public_key(self) -> bytes:
        """COSE."""
        numbers = self.key.public_key().public_numbers()
        point = {-2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        return bytes(cbor2.dumps({1: 2, 3: -7, -1: 1, **point}))

    def _client_data(self, kind: str, challenge: str) -> bytes:
        client_data: dict[str, Any] = {"type": kind, "challenge": challenge, "origin": self.origin}
        if self.cross_origin is not None:
            client_data["crossOrigin"] = self.cross_origin
        return json.dumps(client_data).encode()

    def _authenticator_data(self, flags: int = 0) -> bytes:
        flags |= _USER_PRESENT * self.is_user_present | _USER_VERIFIED * self.verifies_user | _BACKUP_ELIGIBLE
        return hashlib.sha256(self.rp_id.encode()).digest() + bytes([flags]) + self.sign_count.to_bytes(4, "big")

    def _json(self, response: Mapping[str, str]) -> dict[str, Any]:
        return {
            "id": encode(self.credential_id),
            "rawId": encode(self.credential_id),
            "type": "public-key",
            "response": dict(response),
        }

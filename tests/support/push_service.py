"""A push service on this machine, and browsers that are subscribed to it and decrypt what they are sent (RFC 8291).

Decryption is written here, over `cryptography` alone, so that it agrees with the standard and not with what encrypts.
"""

import asyncio
import base64
import json
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

_SALT_BYTES, _RECORD_SIZE_BYTES = 16, 4


@dataclass(frozen=True)
class ReceivedPush:
    """A request as the service got it. `headers` have names in lower case."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(eq=False)
class Browser:
    """A browser with a subscription at a service."""

    endpoint: str
    auth: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    @cached_property
    def public_key(self) -> bytes:
        return self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    @property
    def token(self) -> str:
        """What `JSON.stringify(subscription)` gives."""
        keys = {"p256dh": base64url(self.public_key), "auth": base64url(self.auth)}
        return json.dumps({"endpoint": self.endpoint, "expirationTime": None, "keys": keys})

    def decrypt(self, body: bytes) -> Any:
        """The payload of a push to this browser, as JSON."""
        salt, rest = body[:_SALT_BYTES], body[_SALT_BYTES + _RECORD_SIZE_BYTES :]
        sender, record = rest[1 : 1 + rest[0]], rest[1 + rest[0] :]
        shared = self.key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender))
        secret = _derive(shared, self.auth, b"WebPush: info\0" + self.public_key + sender, 32)
        content_key = _derive(secret, salt, b"Content-Encoding: aes128gcm\0", 16)
        nonce = _derive(secret, salt, b"Content-Encoding: nonce\0", 12)
        plain = AESGCM(content_key).decrypt(nonce, record, None)
        return json.loads(plain.rstrip(b"\0").removesuffix(b"\2"))


@dataclass
class PushService:
    """What arrived, and what goes wrong, by path: answers (a status, with headers after it), or silence."""

    port: int = 0
    received: list[ReceivedPush] = field(default_factory=list)
    answers: dict[str, list[str]] = field(default_factory=dict)
    hanging: set[str] = field(default_factory=set)
    on_received: Callable[[], None] | None = None

    def browser(self) -> Browser:
        """A browser that is subscribed here."""
        return Browser(f"http://127.0.0.1:{self.port}/push/{secrets.token_hex(8)}")

    def pushes_to(self, browser: Browser) -> list[ReceivedPush]:
        """What arrived for a browser, and was taken or refused."""
        return [each for each in self.received if browser.endpoint.endswith(each.path)]

    def payloads_of(self, browser: Browser) -> list[Any]:
        """The same, decrypted."""
        return [browser.decrypt(each.body) for each in self.pushes_to(browser)]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, which is closed after its request."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            path = head[0].split()[1]
            self.received.append(ReceivedPush(path, headers, body))
            if self.on_received is not None:
                self.on_received()
            if path in self.hanging:
                await reader.read()
                return
            waiting = self.answers.get(path)
            answer = waiting.pop(0) if waiting else "201 Created"
            writer.write(f"HTTP/1.1 {answer}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n".encode())
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def push_service() -> AsyncIterator[PushService]:
    """A service on a free port."""
    service = PushService()
    listener = await asyncio.start_server(service.serve, "127.0.0.1", 0)
    service.port = listener.sockets[0].getsockname()[1]
    try:
        yield service
    finally:
        listener.close()


def base64url(value: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def bytes_of_base64url(value: str) -> bytes:
    """What `base64url` has written."""
    return base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))


def _derive(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=length, salt=salt, info=info).derive(secret)

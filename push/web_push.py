"""Sends pushes to browsers by Web Push (RFC 8030): encrypted for the browser (RFC 8291), signed by the server (VAPID, RFC 8292).

The address of a push service comes from a browser, so it is a stranger's: it is called as one (`outgoing.safe_http`), nothing of
its answer is stored but the status, and a call takes ten seconds at most.
"""

import base64
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final
from uuid import UUID

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwt
from joserfc.jwk import ECKey

from domain.outgoing_url import OutgoingUrl, UnsafeUrl
from domain.push import TTL_SECONDS, DeviceGone, PushMessage, PushRejected, PushUnavailable, encode_payload
from domain.push_device import PushDevice, PushPlatform, WebSubscription
from outgoing.safe_http import Failure, OutgoingError, SafeHttpClient

ALGORITHM: Final = "ES256"
CURVE: Final = "P-256"
TIMEOUT_SECONDS: Final = 10.0
_TOKEN_SECONDS: Final = 12 * 3600.0  # push services take 24 hours at most
_MAX_BODY_BYTES: Final = 1024
_GONE: Final = frozenset({404, 410})
_BUSY: Final = frozenset({408, 425, 429})
_SERVER_ERROR: Final = 500


class WebPusher:
    """Implements `domain.push.Pusher`. `contact`: a `mailto:` or `https:` URL of the operator, for the push service."""

    platforms = frozenset({PushPlatform.WEB})

    def __init__(self, http: SafeHttpClient, key: ECKey, *, contact: str) -> None:
        self._http, self._key, self._contact = http, key, contact
        self.public_key = public_key_of(key)

    async def send(self, device: PushDevice, message: PushMessage) -> None:
        subscription = WebSubscription.decode(device.token)
        try:
            url = self._http.rules.parse(subscription.endpoint)
            answer = await self._http.request(
                "POST",
                url,
                headers={
                    "Authorization": f"vapid t={self._token(url)}, k={self.public_key}",
                    "Content-Encoding": "aes128gcm",
                    "Content-Type": "application/octet-stream",
                    "TTL": str(TTL_SECONDS),
                    "Topic": topic_of(message.id),
                    "Urgency": message.urgency.value,
                },
                body=encrypt(encode_payload(message.payload), subscription),
                timeout_seconds=TIMEOUT_SECONDS,
                max_body_bytes=_MAX_BODY_BYTES,
            )
        except UnsafeUrl as error:
            raise DeviceGone(f"The address of the device cannot be called: {error}") from error
        except OutgoingError as error:
            if error.failure is Failure.NOT_PUBLIC:
                raise DeviceGone(f"The address of the device cannot be called: {error}") from error
            raise PushUnavailable(str(error)) from error
        _check(answer.status, answer.headers.get("retry-after"))

    def _token(self, url: OutgoingUrl) -> str:
        claims = {"aud": f"{url.scheme}://{url.authority}", "exp": int(time.time() + _TOKEN_SECONDS), "sub": self._contact}
        return jwt.encode({"typ": "JWT", "alg": ALGORITHM}, claims, self._key)


def encrypt(payload: bytes, subscription: WebSubscription) -> bytes:
    """The payload for this browser only, in one record."""
    encrypted: bytes = http_ece.encrypt(
        payload,
        private_key=ec.generate_private_key(ec.SECP256R1()),
        dh=subscription.public_key,
        auth_secret=subscription.auth,
        version="aes128gcm",
    )
    return encrypted


def public_key_of(key: ECKey) -> str:
    """The key as browsers are given it to subscribe (`applicationServerKey`): an uncompressed point in base64url."""
    public: Any = key.public_key
    return _base64url(public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))


def topic_of(message_id: UUID) -> str:
    """The topic of a message: one that is sent again replaces the one that waits, so that it is shown once."""
    return _base64url(message_id.bytes)


def _check(status: int, retry_after: str | None) -> None:
    """Raises what the answer means, unless the message was taken."""
    if 200 <= status < 300:
        return
    reason = f"The push service answered {status}."
    if status in _GONE:
        raise DeviceGone(reason)
    if status in _BUSY or status >= _SERVER_ERROR:
        raise PushUnavailable(reason, retry_after_seconds=_seconds_of(retry_after))
    raise PushRejected(reason)


def _seconds_of(retry_after: str | None) -> float | None:
    """How long a Retry-After header asks to wait: seconds, or until a date; None where it cannot be read."""
    if retry_after is None:
        return None
    if retry_after.isascii() and retry_after.isdecimal():
        return float(retry_after[:9])
    try:
        until = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    return max(0.0, (until.replace(tzinfo=until.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


def _base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")

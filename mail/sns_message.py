"""Reads messages that SNS posts, and makes sure that SNS has sent them.

A message is signed with a key of Amazon's, whose certificate it names; it is fetched from hosts of Amazon's only. Anybody can
have a topic of their own with good signatures, so the topic must be one that the operator named. Messages that are older than
their last delivery by SNS can be are refused: whoever repeats one later gains nothing.
"""

import base64
import binascii
import re
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import orjson
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

MAX_MESSAGE_BYTES: Final = 256 * 1024
MAX_AGE: Final = timedelta(hours=2)
"""SNS delivers for an hour at most."""
MAX_CERTIFICATES: Final = 8
_CLOCK_SKEW: Final = timedelta(minutes=5)
_HOST: Final = r"https://sns\.[a-z]{2}(?:-[a-z]+)+-\d\.amazonaws\.com(?:\.cn)?"
_CERTIFICATE_URL = re.compile(_HOST + r"/SimpleNotificationService-[0-9A-Za-z]{1,64}\.pem")
_SUBSCRIBE_URL = re.compile(_HOST + r"/\?[A-Za-z0-9=&%:._-]{1,1800}")
_SIGNED: Final = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    "UnsubscribeConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}
_HASHES: Final[Mapping[str, hashes.HashAlgorithm]] = {"1": hashes.SHA1(), "2": hashes.SHA256()}  # noqa: S303 (SNS' own version 1)

FetchCertificate = Callable[[str], Awaitable[bytes]]
"""The certificate at a URL of Amazon's, as PEM. Raises CertificateUnavailable."""


class InvalidMessage(Exception):
    """What was posted is no message of a topic that is known here; the text says why, and nothing of the message."""


class CertificateUnavailable(Exception):
    """The certificate cannot be fetched now: SNS delivers the message again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SnsMessage:
    """A message of a topic of ours. `subscribe_url`: what confirms the subscription that a SubscriptionConfirmation asks for."""

    kind: str
    id: str
    topic: str
    text: str
    subscribe_url: str | None


class SnsVerifier:
    """Verifies messages of these topics. Certificates are remembered, eight at most."""

    def __init__(self, topics: Collection[str], fetch: FetchCertificate) -> None:
        self._topics, self._fetch = frozenset(topics), fetch
        self._keys: dict[str, rsa.RSAPublicKey] = {}

    async def verify(self, body: bytes, now: datetime) -> SnsMessage:
        """The message in a body. Raises InvalidMessage and CertificateUnavailable."""
        fields = _read(body)
        kind = fields["Type"]
        if fields["TopicArn"] not in self._topics:
            raise InvalidMessage("The topic is not known here.")
        at = _instant(fields["Timestamp"])
        if not now - MAX_AGE <= at <= now + _CLOCK_SKEW:
            raise InvalidMessage("The message is too old.")
        algorithm = _HASHES.get(fields.get("SignatureVersion", ""))
        if algorithm is None:
            raise InvalidMessage("The version of the signature is not known here.")
        url = fields.get("SigningCertURL", "")
        if not _CERTIFICATE_URL.fullmatch(url):
            raise InvalidMessage("The certificate is not Amazon's.")
        key = await self._key(url, now)
        try:
            signature = base64.b64decode(fields.get("Signature", ""), validate=True)
            key.verify(signature, canonical_text(fields), padding.PKCS1v15(), algorithm)
        except (InvalidSignature, binascii.Error, ValueError) as error:
            raise InvalidMessage("The signature is not good.") from error
        subscribe_url = fields.get("SubscribeURL")
        if kind == "SubscriptionConfirmation" and not _SUBSCRIBE_URL.fullmatch(subscribe_url or ""):
            raise InvalidMessage("The subscription is not confirmed at Amazon.")
        return SnsMessage(
            kind=kind,
            id=fields["MessageId"],
            topic=fields["TopicArn"],
            text=fields["Message"],
            subscribe_url=subscribe_url if kind == "SubscriptionConfirmation" else None,
        )

    async def _key(self, url: str, now: datetime) -> rsa.RSAPublicKey:
        if (known := self._keys.get(url)) is not None:
            return known
        try:
            certificate = x509.load_pem_x509_certificate(await self._fetch(url))
            key = certificate.public_key()
        except ValueError as error:
            raise InvalidMessage("The certificate cannot be read.") from error
        if not isinstance(key, rsa.RSAPublicKey):
            raise InvalidMessage("The certificate has a key of another kind.")
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            raise InvalidMessage("The certificate has expired.")
        while len(self._keys) >= MAX_CERTIFICATES:
            del self._keys[next(iter(self._keys))]
        self._keys[url] = key
        return key


def canonical_text(fields: Mapping[str, str]) -> bytes:
    """What SNS signs of a message: names and values, each on a line of its own."""
    lines = [(name, fields[name]) for name in _SIGNED[fields["Type"]] if name in fields]
    return "".join(f"{name}\n{value}\n" for name, value in lines).encode()


def _read(body: bytes) -> dict[str, str]:
    """The text fields of a message, of which those that are needed are there."""
    try:
        message: Any = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidMessage("This is no JSON.") from error
    fields = {name: value for name, value in message.items() if isinstance(value, str)} if isinstance(message, dict) else {}
    if fields.get("Type") not in _SIGNED:
        raise InvalidMessage("This is no message of SNS.")
    needed = [name for name in _SIGNED[fields["Type"]] if name != "Subject"]
    if any(name not in fields for name in needed):
        raise InvalidMessage("This is no message of SNS.")
    return fields


def _instant(value: str) -> datetime:
    try:
        at = datetime.fromisoformat(value)
    except ValueError as error:
        raise InvalidMessage("This is no message of SNS.") from error
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)

"""A topic of SNS, with a key and certificate of its own: its messages are signed as Amazon's are."""

import base64
import datetime as dt
import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from uuid import uuid4

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from mail.sns_message import canonical_text

TOPIC = "arn:aws:sns:eu-west-1:123456789012:mail"
CERTIFICATE_URL = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-9d1e0c.pem"
SUBSCRIBE_URL = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=" + TOPIC + "&Token=2336412f37fb"


@dataclass
class SnsTopic:
    """Signs messages, and says which certificates were asked for."""

    arn: str = TOPIC
    days: int = 1
    fetched: list[str] = field(default_factory=list)

    @cached_property
    def key(self) -> rsa.RSAPrivateKey:
        return rsa.generate_private_key(65537, 2048)

    @cached_property
    def certificate(self) -> bytes:
        """Valid for `days` from yesterday."""
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
        begins = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
        built = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begins)
            .not_valid_after(begins + dt.timedelta(days=1 + self.days))
            .sign(self.key, hashes.SHA256())
        )
        return built.public_bytes(serialization.Encoding.PEM)

    async def fetch(self, url: str) -> bytes:
        """The certificate."""
        self.fetched.append(url)
        return self.certificate

    def message(self, text: str, *, version: str = "2", **fields: Any) -> dict[str, Any]:
        """A notification, but for these fields, signed."""
        values = {
            "Type": "Notification",
            "MessageId": str(uuid4()),
            "TopicArn": self.arn,
            "Message": text,
            "Timestamp": dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "SignatureVersion": version,
            "SigningCertURL": CERTIFICATE_URL,
        } | fields
        signed_with: hashes.HashAlgorithm = hashes.SHA1() if version == "1" else hashes.SHA256()  # noqa: S303 (SNS' own version 1)
        signature = self.key.sign(canonical_text(values), padding.PKCS1v15(), signed_with)
        return values | {"Signature": base64.b64encode(signature).decode()}

    def confirmation(self, **fields: Any) -> dict[str, Any]:
        """What SNS asks when an endpoint was subscribed."""
        asked = {"Type": "SubscriptionConfirmation", "Token": "2336412f37fb", "SubscribeURL": SUBSCRIBE_URL}
        return self.message("You have chosen to subscribe.", **(asked | fields))


def bounce(address: str, *, kind: str = "Permanent", feedback_id: str | None = None, message_id: str | None = None) -> str:
    """What SES reports of a mail that came back."""
    return json.dumps(
        {
            "notificationType": "Bounce",
            "bounce": {
                "bounceType": kind,
                "bounceSubType": "General",
                "bouncedRecipients": [
                    {"emailAddress": address, "status": "5.1.1", "diagnosticCode": "smtp; 550 5.1.1 no such user"}
                ],
                "feedbackId": feedback_id or str(uuid4()),
                "timestamp": "2026-03-01T12:00:00.000Z",
            },
            "mail": {"messageId": "0102", "commonHeaders": {"messageId": message_id}},
        }
    )


def complaint(address: str) -> str:
    """What SES reports of a mail that its reader called spam, as an event of a configuration set."""
    return json.dumps(
        {
            "eventType": "Complaint",
            "complaint": {"complainedRecipients": [{"emailAddress": address}], "feedbackId": str(uuid4())},
            "mail": {"messageId": "0102"},
        }
    )

"""Sends pushes to apps of Apple's and Google's platforms through SNS, whose platform applications hold their credentials.

`sns://eu-west-1?apns=arn:…&fcm=arn:…`, with `endpoint=https://…` for another service with the same interface. A call may take 2 s
to connect and 10 s in all, and is tried once: the caller decides when to try again.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

import orjson

from domain.push import TTL_SECONDS, DeviceGone, PushMessage, PushRejected, PushUnavailable, Urgency
from domain.push_device import PushDevice, PushPlatform

CONNECT_TIMEOUT_SECONDS: Final = 2.0
TIMEOUT_SECONDS: Final = 10.0
MAX_CONNECTIONS: Final = 8
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")
_APPLICATION = re.compile(r"arn:[a-z-]+:sns:[a-z0-9-]+:\d+:app/(?P<platform>[A-Z_]+)/[A-Za-z0-9_.-]+")
_KINDS: Final = {
    PushPlatform.APNS: frozenset({"APNS", "APNS_SANDBOX"}),
    PushPlatform.FCM: frozenset({"GCM"}),
}
_GONE_CODES: Final = frozenset({"EndpointDisabled", "EndpointDisabledException"})
_REJECTED_CODES: Final = frozenset(
    {"InvalidParameter", "InvalidParameterException", "InvalidParameterValue", "ParameterValueInvalid"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SnsApplications:
    """Platform applications in a region, by platform. Without a key, credentials are found as AWS's tools find them."""

    region: str
    endpoint: str | None
    key: str | None
    secret: str | None
    applications: Mapping[PushPlatform, str]


def parse_push_url(url: str) -> SnsApplications:
    """The applications that a URL names. Raises ValueError with what to write instead."""
    parts = urlsplit(url)
    if parts.scheme != "sns" or not _REGION.fullmatch(parts.hostname or ""):
        raise ValueError("must name a region: sns://eu-west-1?apns=arn:aws:sns:…")
    asked = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
    if unknown := asked.keys() - {"apns", "fcm", "endpoint"}:
        raise ValueError(f"knows apns, fcm and endpoint, not {min(unknown)}")
    applications = {}
    for platform, kinds in _KINDS.items():
        if (arn := asked.get(platform.value.lower())) is not None:
            found = _APPLICATION.fullmatch(arn)
            if found is None or found["platform"] not in kinds:
                kind = min(kinds)
                raise ValueError(f"{arn} is no platform application: write arn:aws:sns:region:account:app/{kind}/name")
            applications[platform] = arn
    if not applications:
        raise ValueError("must name a platform application: apns=arn:… or fcm=arn:…")
    if "endpoint" in asked and urlsplit(asked["endpoint"]).scheme not in ("https", "http"):
        raise ValueError("endpoint must begin with https://")
    return SnsApplications(
        region=parts.hostname or "",
        endpoint=asked.get("endpoint"),
        key=parts.username and unquote(parts.username),
        secret=parts.password and unquote(parts.password),
        applications=applications,
    )


class SnsPusher:
    """Implements `domain.push.Pusher`."""

    def __init__(self, client: Any, applications: Mapping[PushPlatform, str]) -> None:
        self._client, self._applications = client, applications
        self.platforms = frozenset(applications)

    @classmethod
    @asynccontextmanager
    async def open(cls, given: SnsApplications) -> AsyncIterator["SnsPusher"]:
        """The service in a region; no request is sent yet."""
        import aioboto3  # takes 0.5 s, and only where it is used
        from aiobotocore.config import AioConfig

        config = AioConfig(
            connect_timeout=CONNECT_TIMEOUT_SECONDS,
            read_timeout=TIMEOUT_SECONDS,
            retries={"total_max_attempts": 1, "mode": "standard"},
            max_pool_connections=MAX_CONNECTIONS,
        )
        session = aioboto3.Session(aws_access_key_id=given.key, aws_secret_access_key=given.secret, region_name=given.region)
        async with session.client("sns", endpoint_url=given.endpoint, config=config) as client:
            yield cls(client, given.applications)

    async def send(self, device: PushDevice, message: PushMessage) -> None:
        from aiohttp import ClientError as ConnectionLost
        from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

        application = self._applications.get(device.platform)
        if application is None:
            raise PushRejected("This server does not push to this platform.")
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                # The same for the same token, whoever calls it how often.
                found = await self._client.create_platform_endpoint(PlatformApplicationArn=application, Token=device.token)
                await self._client.publish(TargetArn=found["EndpointArn"], **publication(application, message))
        except ClientError as error:
            answer = error.response.get("Error", {})
            code, text = str(answer.get("Code", "")), str(answer.get("Message", ""))
            if code in _GONE_CODES:
                raise DeviceGone(f"{code}: {text}") from error
            if code in _REJECTED_CODES:
                raise PushRejected(f"{code}: {text}") from error
            raise PushUnavailable(f"{code}: {text}") from error  # throttled, no permission, application not found yet
        except (BotoCoreError, HTTPClientError, ConnectionLost, OSError) as error:  # TimeoutError is an OSError
            raise PushUnavailable(str(error) or type(error).__name__) from error


def publication(application: str, message: PushMessage) -> dict[str, Any]:
    """What SNS is asked to publish for an application: the message as its platform takes it."""
    kind = application.rpartition(":")[2].split("/")[1]
    if kind == "GCM":
        written = _fcm(message)
        attributes = {"AWS.SNS.MOBILE.GCM.TTL": str(TTL_SECONDS)}
    else:
        written = _apns(message)
        attributes = {
            f"AWS.SNS.MOBILE.{kind}.TTL": str(TTL_SECONDS),
            "AWS.SNS.MOBILE.APNS.PUSH_TYPE": "alert",
            "AWS.SNS.MOBILE.APNS.PRIORITY": "5" if message.urgency is Urgency.LOW else "10",
            "AWS.SNS.MOBILE.APNS.COLLAPSE_ID": str(message.id),
        }
    return {
        "MessageStructure": "json",
        "Message": orjson.dumps({"default": message.title, kind: orjson.dumps(written).decode()}).decode(),
        "MessageAttributes": {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()},
    }


def _apns(message: PushMessage) -> dict[str, Any]:
    alert = {"title": message.title, "body": message.body}
    rest = {name: value for name, value in message.payload.items() if name not in alert}
    return {"aps": {"alert": alert, "mutable-content": 1, "sound": "default"}, **rest}


def _fcm(message: PushMessage) -> dict[str, Any]:
    """A data message, which the app itself shows; its values are texts."""
    data = {
        name: value if isinstance(value, str) else orjson.dumps(value).decode()
        for name, value in message.payload.items()
        if value is not None
    }
    return {
        "fcmV1Message": {
            "message": {
                "data": data,
                "android": {
                    "priority": "HIGH" if message.urgency is Urgency.HIGH else "NORMAL",
                    "collapse_key": str(message.id),
                    "ttl": f"{TTL_SECONDS}s",
                },
            }
        }
    }

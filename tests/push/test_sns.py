"""Pushes to apps through SNS."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import aioboto3
import pytest

from domain.push import DeviceGone, PushMessage, PushRejected, PushUnavailable, Urgency
from domain.push_device import PushDevice, PushPlatform
from push.sns import SnsPusher, parse_push_url, publication
from tests.support.backing_services import free_port
from tests.support.ministack import KEY, SECRET, ministack

REGION = "eu-west-1"
APNS, FCM = (f"arn:aws:sns:{REGION}:000000000000:app/{each}" for each in ("APNS_SANDBOX/hive", "GCM/hive"))
MESSAGE = PushMessage(
    id=UUID("019a0000-0000-7000-8000-000000000001"),
    payload={"notificationIds": ["Tm90"], "count": 1, "groupKey": None, "title": "Title"},
    title="Title",
    body="Body “ü”",
    urgency=Urgency.HIGH,
)


def device(platform: PushPlatform, token: str) -> PushDevice:
    return PushDevice(
        id=uuid4(),
        user_id=uuid4(),
        platform=platform,
        token=token,
        label=None,
        session_id=None,
        created_at=datetime.now(UTC),
    )


@pytest.fixture
def service(tmp_path: Path) -> Any:
    with ministack(tmp_path, services="sns") as url:
        yield url


@pytest.fixture
async def sns(service: str) -> AsyncIterator[Any]:
    """A client of the service, in which both applications are made."""
    session = aioboto3.Session(aws_access_key_id=KEY, aws_secret_access_key=SECRET, region_name=REGION)
    async with session.client("sns", endpoint_url=service) as client:
        for platform in ("APNS_SANDBOX", "GCM"):
            await client.create_platform_application(Name="hive", Platform=platform, Attributes={"PlatformCredential": "x"})
        yield client


@pytest.mark.slow
async def test_a_push_is_published_to_the_endpoint_of_its_token(service: str, sns: Any, tmp_path: Path) -> None:
    url = f"sns://{KEY}:{SECRET}@{REGION}?apns={APNS}&fcm={FCM}&endpoint={service}"
    async with SnsPusher.open(parse_push_url(url)) as pusher:
        assert pusher.platforms == {PushPlatform.APNS, PushPlatform.FCM}
        for _ in range(2):  # the same token is the same endpoint
            await pusher.send(device(PushPlatform.APNS, "ab" * 32), MESSAGE)
        await pusher.send(device(PushPlatform.FCM, "token" * 10), MESSAGE)
    for arn, token, sent in ((APNS, "ab" * 32, 2), (FCM, "token" * 10, 1)):
        endpoint = (await sns.create_platform_endpoint(PlatformApplicationArn=arn, Token=token))["EndpointArn"]
        assert (tmp_path / "ministack.txt").read_text().count(f"publish stub to {endpoint}") == sent
    gone = url.replace("app/GCM/hive", "app/GCM/other")
    async with SnsPusher.open(parse_push_url(gone)) as pusher:
        with pytest.raises(PushUnavailable, match="NotFound"):  # the operator's affair: the push waits
            await pusher.send(device(PushPlatform.FCM, "token" * 10), MESSAGE)
        with pytest.raises(PushRejected):
            await pusher.send(device(PushPlatform.WEB, "{}"), MESSAGE)


async def test_a_service_that_is_away_lets_the_push_wait() -> None:
    url = f"sns://key:secret@{REGION}?fcm={FCM}&endpoint=http://127.0.0.1:{free_port()}"
    async with SnsPusher.open(parse_push_url(url)) as pusher:
        with pytest.raises(PushUnavailable):
            await pusher.send(device(PushPlatform.FCM, "token" * 10), MESSAGE)


async def test_a_disabled_endpoint_is_a_device_that_is_gone() -> None:
    from botocore.exceptions import ClientError

    class Disabled:
        """A client whose endpoint SNS has disabled: ministack never does that."""

        async def create_platform_endpoint(self, **_: Any) -> Any:
            return {"EndpointArn": "arn"}

        async def publish(self, **_: Any) -> Any:
            raise ClientError({"Error": {"Code": "EndpointDisabled", "Message": "Endpoint is disabled"}}, "Publish")

    with pytest.raises(DeviceGone):
        await SnsPusher(Disabled(), {PushPlatform.FCM: FCM}).send(device(PushPlatform.FCM, "token" * 10), MESSAGE)


def test_apples_message_shows_its_words_and_carries_its_ids() -> None:
    published = publication(APNS, MESSAGE)
    written = json.loads(json.loads(published["Message"])["APNS_SANDBOX"])
    assert written["aps"]["alert"] == {"title": "Title", "body": "Body “ü”"}
    assert (written["notificationIds"], written["count"]) == (["Tm90"], 1)
    attributes = {name: each["StringValue"] for name, each in published["MessageAttributes"].items()}
    assert attributes == {
        "AWS.SNS.MOBILE.APNS_SANDBOX.TTL": "86400",
        "AWS.SNS.MOBILE.APNS.PUSH_TYPE": "alert",
        "AWS.SNS.MOBILE.APNS.PRIORITY": "10",
        "AWS.SNS.MOBILE.APNS.COLLAPSE_ID": str(MESSAGE.id),
    }


def test_googles_message_is_data_of_texts() -> None:
    written = json.loads(json.loads(publication(FCM, MESSAGE)["Message"])["GCM"])["fcmV1Message"]["message"]
    assert written["data"] == {"notificationIds": '["Tm90"]', "count": "1", "title": "Title"}
    assert written["android"] == {"priority": "HIGH", "collapse_key": str(MESSAGE.id), "ttl": "86400s"}


@pytest.mark.parametrize(
    "url",
    [
        "https://eu-west-1?fcm=" + FCM,
        "sns://Europe?fcm=" + FCM,
        "sns://eu-west-1",
        "sns://eu-west-1?fcm=" + APNS,
        "sns://eu-west-1?apns=" + FCM,
        "sns://eu-west-1?fcm=arn:aws:sns:eu-west-1:1:topic",
        "sns://eu-west-1?apn=" + APNS,
        f"sns://eu-west-1?fcm={FCM}&endpoint=ftp://host",
    ],
)
def test_a_url_that_names_nothing_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"must|knows|is no"):
        parse_push_url(url)

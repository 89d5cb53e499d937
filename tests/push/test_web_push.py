"""Pushes to browsers: encrypted for one browser alone, signed by the server, and never to an address that is not public."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from ipaddress import ip_network
from typing import Any
from uuid import UUID, uuid4

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey

import push.web_push
from domain.outgoing_url import OutgoingRules
from domain.push import MAX_PAYLOAD_BYTES, DeviceGone, PushMessage, PushRejected, PushUnavailable, Urgency, encode_payload
from domain.push_device import PushDevice, PushPlatform, WebSubscription
from outgoing.safe_http import SafeHttpClient
from push.web_push import WebPusher, encrypt, public_key_of
from tests.support.push_service import Browser, PushService, base64url, bytes_of_base64url, push_service

SLOW_MACHINES_TOO = settings(derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
CONTACT = "mailto:hive@example.com"
MESSAGE_ID = UUID("019a0000-0000-7000-8000-000000000001")
KEY = ECKey.generate_key("P-256")


@dataclass(frozen=True)
class House:
    """A pusher, and a push service that it may call."""

    pusher: WebPusher
    service: PushService


@pytest.fixture
async def house() -> AsyncIterator[House]:
    rules = OutgoingRules([ip_network("127.0.0.1")])
    async with SafeHttpClient.open(rules) as http, push_service() as service:
        yield House(WebPusher(http, KEY, contact=CONTACT), service)


def device_of(browser: Browser) -> PushDevice:
    """The device that a browser registered."""
    token = WebSubscription(browser.endpoint, browser.public_key, browser.auth).encode()
    return PushDevice(
        id=uuid4(),
        user_id=uuid4(),
        platform=PushPlatform.WEB,
        token=token,
        label=None,
        session_id=None,
        created_at=datetime.now(UTC),
    )


def message(**payload: Any) -> PushMessage:
    return PushMessage(id=MESSAGE_ID, payload=payload, title="Title", body="Body", urgency=Urgency.LOW)


def test_browsers_of_these_tests_decrypt_as_the_standard_does() -> None:
    # The example of RFC 8291, appendix A, whose text is no JSON; so is what a browser of these tests is sent.
    private = int.from_bytes(bytes_of_base64url("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"), "big")
    browser = Browser(
        "https://push.example.net/push/1",
        bytes_of_base64url("BTBZMqHH6r4Tts7J_aSIgg"),
        ec.derive_private_key(private, ec.SECP256R1()),
    )
    body = bytes_of_base64url(
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPT"
        "pK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )
    with pytest.raises(json.JSONDecodeError) as raised:
        browser.decrypt(body)
    assert raised.value.doc == "When I grow up, I want to be a watermelon"


@SLOW_MACHINES_TOO
@given(st.dictionaries(st.text(max_size=50), st.text(max_size=300), max_size=5))
def test_what_is_encrypted_for_a_browser_only_that_browser_reads(payload: dict[str, str]) -> None:
    browser, other = Browser("https://push.example.net/1"), Browser("https://push.example.net/2")
    body = encrypt(encode_payload(payload), WebSubscription(browser.endpoint, browser.public_key, browser.auth))
    assert browser.decrypt(body) == payload
    with pytest.raises(InvalidTag):
        other.decrypt(body)


def test_the_longest_payload_fits_what_push_services_take() -> None:
    browser = Browser("https://push.example.net/1")
    subscription = WebSubscription(browser.endpoint, browser.public_key, browser.auth)
    assert len(encrypt(b"x" * MAX_PAYLOAD_BYTES, subscription)) < 4096


async def test_a_push_carries_its_headers_and_a_signature_of_the_server(house: House) -> None:
    browser = house.service.browser()
    await house.pusher.send(device_of(browser), message(count=1))
    (received,) = house.service.received
    assert browser.decrypt(received.body) == {"count": 1}
    headers = received.headers
    shown = ("content-encoding", "ttl", "urgency", "topic")
    assert [headers[each] for each in shown] == ["aes128gcm", "86400", "low", base64url(MESSAGE_ID.bytes)]
    scheme, _, rest = headers["authorization"].partition(" ")
    values = dict(each.split("=", 1) for each in rest.split(", "))
    assert (scheme, values["k"]) == ("vapid", public_key_of(KEY))
    token = jwt.decode(values["t"], KEY, algorithms=["ES256"])
    assert token.claims["aud"] == f"http://127.0.0.1:{house.service.port}"
    assert token.claims["sub"] == CONTACT
    remaining = token.claims["exp"] - datetime.now(UTC).timestamp()
    assert 3600 < remaining <= 24 * 3600
    assert len(bytes_of_base64url(values["k"])) == 65


@pytest.mark.parametrize(
    ("answer", "expected", "retry_after"),
    [
        ("404 Not Found", DeviceGone, None),
        ("410 Gone", DeviceGone, None),
        ("429 Too Many Requests\r\nRetry-After: 120", PushUnavailable, 120.0),
        ("429 Too Many Requests\r\nRetry-After: soon", PushUnavailable, None),
        ("429 Too Many Requests\r\nRetry-After: 99999999999999999999", PushUnavailable, 999999999.0),
        ("500 Internal Server Error", PushUnavailable, None),
        ("503 Service Unavailable", PushUnavailable, None),
        ("301 Moved Permanently\r\nLocation: http://127.0.0.1/", PushRejected, None),
        ("400 Bad Request", PushRejected, None),
        ("403 Forbidden", PushRejected, None),
        ("413 Payload Too Large", PushRejected, None),
    ],
)
async def test_answers_mean_what_the_standard_says(
    house: House, answer: str, expected: type[Exception], retry_after: float | None
) -> None:
    browser = house.service.browser()
    house.service.answers[browser.endpoint.partition(str(house.service.port))[2]] = [answer]
    with pytest.raises(expected) as raised:
        await house.pusher.send(device_of(browser), message())
    if isinstance(raised.value, PushUnavailable):
        assert raised.value.retry_after_seconds == retry_after
    assert len(house.service.received) == 1  # redirects are not followed


async def test_a_date_to_retry_after_is_understood(house: House) -> None:
    browser = house.service.browser()
    later = format_datetime(datetime.now(UTC) + timedelta(minutes=10), usegmt=True)
    house.service.answers[browser.endpoint.partition(str(house.service.port))[2]] = [f"503 Busy\r\nRetry-After: {later}"]
    with pytest.raises(PushUnavailable) as raised:
        await house.pusher.send(device_of(browser), message())
    assert raised.value.retry_after_seconds is not None
    assert 500 < raised.value.retry_after_seconds <= 600


async def test_a_service_that_hangs_or_is_away_is_waited_for_no_longer_than_the_limit(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(push.web_push, "TIMEOUT_SECONDS", 0.1)
    browser = house.service.browser()
    house.service.hanging.add(browser.endpoint.partition(str(house.service.port))[2])
    async with asyncio.timeout(30):
        with pytest.raises(PushUnavailable, match="took too long"):
            await house.pusher.send(device_of(browser), message())
    away = Browser("http://127.0.0.1:9/push/1")
    with pytest.raises(PushUnavailable):
        await house.pusher.send(device_of(away), message())


async def test_an_address_that_may_not_be_called_is_not(house: House) -> None:
    async def resolve(host: str) -> list[str]:
        return ["10.0.0.1"]

    browser = house.service.browser()
    async with SafeHttpClient.open(OutgoingRules(), resolve=resolve) as http:
        pusher = WebPusher(http, KEY, contact=CONTACT)
        for endpoint in (browser.endpoint, "https://127.0.0.1/push", "https://push.example.net/1"):
            with pytest.raises(DeviceGone):
                await pusher.send(device_of(Browser(endpoint)), message())
    assert house.service.received == []

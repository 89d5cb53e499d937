"""Messages of SNS: read when Amazon signed them for a topic of ours, just now; refused otherwise."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mail.sns_message import MAX_AGE, InvalidMessage, SnsVerifier
from tests.support.sns_topic import CERTIFICATE_URL, SUBSCRIBE_URL, TOPIC, SnsTopic

AMAZON, STRANGER = SnsTopic(), SnsTopic()
NOW = datetime.now(UTC)


def verifier(topic: SnsTopic = AMAZON) -> SnsVerifier:
    return SnsVerifier([TOPIC], topic.fetch)


@pytest.mark.parametrize("version", ["1", "2"])
async def test_a_signed_message_is_read(version: str) -> None:
    for fields in ({}, {"Subject": "Ünïcode"}):
        message = await verifier().verify(orjson.dumps(AMAZON.message("Text\n“ü”", version=version, **fields)), datetime.now(UTC))
        assert (message.kind, message.text, message.topic, message.subscribe_url) == ("Notification", "Text\n“ü”", TOPIC, None)


async def test_a_confirmation_names_where_it_is_confirmed() -> None:
    message = await verifier().verify(orjson.dumps(AMAZON.confirmation()), datetime.now(UTC))
    assert message.subscribe_url == SUBSCRIBE_URL


async def test_a_certificate_is_fetched_once_and_few_are_remembered() -> None:
    topic = SnsTopic()
    opened = verifier(topic)
    for number in range(30):
        url = CERTIFICATE_URL.replace("9d1e0c", f"{number // 3:x}")
        await opened.verify(orjson.dumps(topic.message("Text", SigningCertURL=url)), datetime.now(UTC))
    assert len(topic.fetched) == 10
    assert len(opened._keys) == 8


@pytest.mark.parametrize("field", ["Message", "MessageId", "Timestamp", "Subject", "Signature"])
async def test_a_message_that_was_changed_is_refused(field: str) -> None:
    message = AMAZON.message("Text", Subject="Subject")
    changed = {"Timestamp": datetime.now(UTC).isoformat(), "Signature": STRANGER.message("Text")["Signature"]}
    with pytest.raises(InvalidMessage, match="signature is not good"):
        await verifier().verify(orjson.dumps(message | {field: changed.get(field, message[field] + "x")}), datetime.now(UTC))


@pytest.mark.parametrize(
    "url",
    [
        "http://sns.eu-west-1.amazonaws.com/SimpleNotificationService-9d1e0c.pem",
        "https://sns.eu-west-1.amazonaws.com.evil.example/SimpleNotificationService-9d1e0c.pem",
        "https://evil.example/sns.eu-west-1.amazonaws.com/SimpleNotificationService-9d1e0c.pem",
        "https://sns.eu-west-1.amazonaws.com@evil.example/SimpleNotificationService-9d1e0c.pem",
        "https://sns.eu-west-1.amazonaws.com:8443/SimpleNotificationService-9d1e0c.pem",
        "https://sns.eu-west-1.amazonaws.com/evil/SimpleNotificationService-9d1e0c.pem",
        "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-9d1e0c.pem?x",
        "https://bucket.s3.eu-west-1.amazonaws.com/SimpleNotificationService-9d1e0c.pem",
        "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-9d1e0c.pem\n",
        "",
    ],
)
async def test_a_certificate_of_another_host_is_not_fetched(url: str) -> None:
    topic = SnsTopic()
    with pytest.raises(InvalidMessage, match="not Amazon's"):
        await verifier(topic).verify(orjson.dumps(topic.message("Text", SigningCertURL=url)), datetime.now(UTC))
    assert topic.fetched == []


@pytest.mark.parametrize("url", ["http://127.0.0.1/", "https://evil.example/?" + SUBSCRIBE_URL, SUBSCRIBE_URL + "#x", ""])
async def test_a_subscription_is_confirmed_at_amazon_only(url: str) -> None:
    with pytest.raises(InvalidMessage, match="not confirmed at Amazon"):
        await verifier().verify(orjson.dumps(AMAZON.confirmation(SubscribeURL=url)), datetime.now(UTC))


async def test_a_stranger_cannot_sign_for_a_topic_of_ours_nor_post_from_one_of_their_own() -> None:
    with pytest.raises(InvalidMessage, match="signature is not good"):
        await verifier().verify(orjson.dumps(STRANGER.message("Text")), datetime.now(UTC))
    theirs = SnsTopic("arn:aws:sns:eu-west-1:666666666666:mail")
    with pytest.raises(InvalidMessage, match="topic is not known"):
        await verifier(theirs).verify(orjson.dumps(theirs.message("Text")), datetime.now(UTC))
    assert theirs.fetched == []


async def test_a_message_is_refused_before_and_long_after_its_time() -> None:
    body = orjson.dumps(AMAZON.message("Text"))
    for late in (MAX_AGE + timedelta(minutes=1), timedelta(days=400), -timedelta(hours=1)):
        with pytest.raises(InvalidMessage, match="too old"):
            await verifier().verify(body, datetime.now(UTC) + late)
    await verifier().verify(body, datetime.now(UTC) + MAX_AGE - timedelta(minutes=1))


async def test_a_certificate_that_has_expired_or_is_none_is_refused() -> None:
    expired = SnsTopic(days=-1)
    with pytest.raises(InvalidMessage, match="expired"):
        await verifier(expired).verify(orjson.dumps(expired.message("Text")), datetime.now(UTC))

    async def fetch(url: str) -> bytes:
        return b"<html>"

    with pytest.raises(InvalidMessage, match="cannot be read"):
        await SnsVerifier([TOPIC], fetch).verify(orjson.dumps(AMAZON.message("Text")), datetime.now(UTC))


SLOW_MACHINES_TOO = settings(derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
_values: Any = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@SLOW_MACHINES_TOO
@given(
    st.binary(max_size=200)
    | st.dictionaries(st.sampled_from(sorted(AMAZON.confirmation())), _values).map(lambda each: json.dumps(each).encode())
)
async def test_whatever_else_is_posted_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidMessage):
        await verifier().verify(body, NOW)


@SLOW_MACHINES_TOO
@given(st.sampled_from(sorted(AMAZON.message("Text"))), _values)
async def test_a_field_of_another_kind_is_refused(field: str, value: Any) -> None:
    message = AMAZON.message("Text")
    if field == "Subject" or value == message[field]:
        return
    with pytest.raises(InvalidMessage):
        await verifier().verify(json.dumps(message | {field: value}).encode(), datetime.now(UTC))

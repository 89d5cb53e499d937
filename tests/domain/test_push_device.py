"""Push devices: which keys are keys, how long one that fails is left alone, and what a push may weigh."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.notification import Notification, NotificationReason, NotificationText, push_message
from domain.push import MAX_PAYLOAD_BYTES, Urgency, encode_payload
from domain.push_device import FIRST_RETRY, MAX_RETRY, PushDevice, PushPlatform, WebSubscription, _is_point

SLOW_MACHINES_TOO = settings(derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DEVICE = PushDevice(
    id=uuid4(),
    user_id=uuid4(),
    platform=PushPlatform.FCM,
    token="t" * 40,
    label=None,
    session_id=None,
    created_at=NOW,
)


def notification(reason: NotificationReason = NotificationReason.ASSIGNED) -> Notification:
    return Notification(
        id=uuid4(),
        user_id=DEVICE.user_id,
        reason=reason,
        event_ids=(uuid4(),),
        actor_id=None,
        subject_type="Task",
        subject_id=uuid4(),
        group_key=f"Task:{uuid4()}",
        created_at=NOW,
    )


@SLOW_MACHINES_TOO
@given(st.integers(min_value=1, max_value=2**200), st.integers(min_value=0, max_value=8 * 65 - 1))
def test_points_of_the_curve_are_keys_and_others_are_not(secret: int, flipped: int) -> None:
    key = ec.derive_private_key(secret, ec.SECP256R1()).public_key()
    point = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    assert _is_point(point)
    changed = bytearray(point)
    changed[flipped // 8] ^= 1 << flipped % 8
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), bytes(changed))
    except ValueError:
        assert not _is_point(bytes(changed))
    else:
        assert _is_point(bytes(changed))


def test_what_is_no_point_at_all_is_no_key() -> None:
    for value in (b"", b"\4", b"\4" + bytes(64), b"\4" + b"\xff" * 64, b"\2" + bytes(32), bytes(65)):
        assert not _is_point(value)


@SLOW_MACHINES_TOO
@given(st.text(max_size=100), st.binary(min_size=65, max_size=65), st.binary(min_size=16, max_size=16))
def test_a_subscription_is_read_as_it_was_written(endpoint: str, key: bytes, auth: bytes) -> None:
    subscription = WebSubscription(endpoint, key, auth)
    assert WebSubscription.decode(subscription.encode()) == subscription


@SLOW_MACHINES_TOO
@given(st.lists(st.floats(min_value=0, max_value=5000), min_size=1, max_size=30), st.floats(min_value=0, max_value=10**9))
def test_a_device_that_fails_is_left_alone_for_longer_and_longer_within_bounds(late: list[float], asked: float) -> None:
    device, now, pauses = DEVICE, NOW, []
    for seconds in late:
        device = device.failed(now, None)
        assert device.retry_at is not None
        pauses.append(device.retry_at - now)
        now = device.retry_at + timedelta(seconds=seconds)
    assert pauses == sorted(pauses)
    assert pauses[0] == FIRST_RETRY
    assert pauses[-1] <= MAX_RETRY
    assert device.failing_since == NOW
    longest = device.failed(now, asked).retry_at
    assert longest is not None
    assert now + FIRST_RETRY <= longest <= now + timedelta(days=7)


def test_a_browser_is_recognized_by_its_address_whatever_its_keys_are() -> None:
    def browser(endpoint: str, key: bytes) -> PushDevice:
        token = WebSubscription(endpoint, key, bytes(16)).encode()
        return replace(DEVICE, platform=PushPlatform.WEB, token=token)

    first = browser("https://push.example.net/1", bytes(65))
    assert browser("https://push.example.net/1", b"\1" * 65).token_hash == first.token_hash
    assert browser("https://push.example.net/2", bytes(65)).token_hash != first.token_hash
    assert replace(DEVICE, platform=PushPlatform.APNS).token_hash != DEVICE.token_hash


@SLOW_MACHINES_TOO
@given(
    st.lists(st.sampled_from(NotificationReason), min_size=1, max_size=40),
    st.text(max_size=1000),
    st.none() | st.text(max_size=280),
    st.none() | st.text(max_size=600),
)
def test_every_push_fits_and_carries_words_only_where_they_are_given(
    reasons: list[NotificationReason], title: str, body: str | None, url: str | None
) -> None:
    about = [notification(each) for each in reasons]
    plain = push_message(uuid4(), about, None)
    assert set(plain.payload) == {"notificationIds", "count", "groupKey"}
    assert plain.title == "PantheraHive"
    assert plain.payload["count"] == len(about)
    shown = push_message(uuid4(), about, [NotificationText(title=title, body=body, url=url)])
    assert set(shown.payload) == {"notificationIds", "count", "groupKey", "title", "body", "url"}
    for each in (plain, shown):
        assert len(encode_payload(each.payload)) <= MAX_PAYLOAD_BYTES


@pytest.mark.parametrize(
    ("reasons", "urgency"),
    [
        ({NotificationReason.MENTIONED, NotificationReason.TASK_CHANGED}, Urgency.HIGH),
        ({NotificationReason.ASSIGNED}, Urgency.NORMAL),
        ({NotificationReason.ASSIGNED, NotificationReason.REACTION}, Urgency.NORMAL),
        ({NotificationReason.REACTION, NotificationReason.DOCUMENT_CHANGED}, Urgency.LOW),
    ],
)
def test_a_push_is_as_urgent_as_the_most_urgent_of_its_notifications(reasons: set[NotificationReason], urgency: Urgency) -> None:
    assert push_message(UUID(int=1), [notification(each) for each in reasons], None).urgency is urgency

"""What SES reports is read address by address, and what has another form is nothing."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.mail_report import MAX_ADDRESSES, MailReportKind
from mail.ses_event import kind_of, read_event, reports_of
from tests.support.sns_topic import bounce, complaint

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MAIL_ID = UUID("019a0000-0000-5000-8000-000000000001")
SLOW_MACHINES_TOO = settings(derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
_values: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


def test_a_bounce_names_its_address_its_mail_and_what_the_server_said() -> None:
    text = bounce("Ada <ada@example.com>", feedback_id="f-1", message_id=f"<{MAIL_ID}@example.com>")
    (report,) = reports_of(read_event(text), NOW)
    assert (report.kind, report.address, report.mail_id) == (MailReportKind.HARD_BOUNCE, "ada@example.com", MAIL_ID)
    assert report.reason == "smtp; 550 5.1.1 no such user"
    assert reports_of(read_event(text), NOW) == [report]  # the same id, however often it is delivered
    (other,) = reports_of(read_event(bounce("ada@example.com", feedback_id="f-2")), NOW)
    assert other.id != report.id


def test_what_is_transient_is_soft_and_what_is_spam_is_a_complaint() -> None:
    for kind in ("Transient", "Undetermined"):
        (report,) = reports_of(read_event(bounce("ada@example.com", kind=kind)), NOW)
        assert report.kind is MailReportKind.SOFT_BOUNCE
    (report,) = reports_of(read_event(complaint("ada@example.com")), NOW)
    assert report.kind is MailReportKind.COMPLAINT


def test_a_report_of_many_addresses_is_cut() -> None:
    event = json.loads(bounce("ada@example.com"))
    event["bounce"]["bouncedRecipients"] = [{"emailAddress": f"a{number}@example.com"} for number in range(1000)]
    assert len(reports_of(event, NOW)) == MAX_ADDRESSES


def test_a_reason_is_one_short_line() -> None:
    event = json.loads(bounce("ada@example.com"))
    event["bounce"]["bouncedRecipients"][0]["diagnosticCode"] = "550\r\nBcc: eve\u202e" + "x" * 10_000
    (report,) = reports_of(event, NOW)
    assert len(report.reason) <= 200
    assert "\n" not in report.reason


@SLOW_MACHINES_TOO
@given(st.text(max_size=100) | _values.map(json.dumps))
def test_whatever_is_no_event_is_nothing(text: str) -> None:
    event = read_event(text)
    assert kind_of(event) is not None
    assert reports_of(event, NOW) == []


@SLOW_MACHINES_TOO
@given(
    st.sampled_from(["bounce", "mail", "notificationType"]),
    _values,
    st.sampled_from(["bouncedRecipients", "feedbackId"]),
    _values,
)
def test_an_event_with_anything_in_its_fields_is_read_or_nothing(outer: str, value: Any, inner: str, other: Any) -> None:
    event = json.loads(bounce("ada@example.com"))
    event["bounce"][inner] = other
    event[outer] = value
    for report in reports_of(event, NOW):
        assert isinstance(report.address, str)

"""Origins that are refused are logged, and no stranger can fill the log or the memory with them."""

import logging
import time

import pytest

from gateway.http.origins import AllowedOrigins


def refuse(allowed: AllowedOrigins, origin: bytes) -> None:
    assert not allowed.allows({b"origin": origin, b"host": b"api.example.com"})


def test_an_origin_is_logged_once_a_minute_and_a_hundred_at_most(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1_000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    caplog.set_level(logging.WARNING)
    allowed = AllowedOrigins(["https://app.example.com"])
    for _ in range(3):
        refuse(allowed, b"https://evil.example.com")
    assert len(caplog.records) == 1
    for number in range(1_000):
        refuse(allowed, b"https://%d.example.com" % number)
    assert len(caplog.records) == 100
    now += 61
    refuse(allowed, b"https://evil.example.com")
    assert len(caplog.records) == 101
    assert len(allowed._reported) == 1


def test_a_long_origin_and_one_with_line_breaks_fill_one_short_line(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    allowed = AllowedOrigins([])
    refuse(allowed, b"https://a\nINFO forged " + b"x" * 10_000)
    refuse(allowed, b"\xff\xfe")
    messages = [record.getMessage() for record in caplog.records]
    assert len(messages) == 2
    assert all("\n" not in each and len(each) < 320 for each in messages)


def test_a_preflight_of_a_page_that_may_not_call_is_logged_too(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    AllowedOrigins(["https://app.example.com"]).preflight_headers({b"origin": b"http://localhost:5173"})
    assert ["http://localhost:5173" in record.getMessage() for record in caplog.records] == [True]

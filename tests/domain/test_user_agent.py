"""The names of devices in the list of sessions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.user_agent import describe_device

_CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0"


@pytest.mark.parametrize(
    ("user_agent", "device"),
    [
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0", "Firefox on Windows"),
        (f"Mozilla/5.0 (X11; Linux x86_64) {_CHROME} Safari/537.36", "Chrome on Linux"),
        (f"Mozilla/5.0 (Linux; Android 16; Pixel 10) {_CHROME} Mobile Safari/537.36", "Chrome on Android"),
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_CHROME} Safari/537.36 Edg/142.0.0.0", "Edge on Windows"),
        (f"Mozilla/5.0 (Linux; Android 10; K) {_CHROME} Mobile Safari/537.36 EdgA/142.0.0.0", "Edge on Android"),
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_CHROME} Safari/537.36 OPR/125.0.0.0", "Opera on Windows"),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15",
            "Safari on macOS",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/142.0 Mobile/15E148",
            "Chrome on iPhone",
        ),
        (f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {_CHROME} Safari/537.36", "Chrome on ChromeOS"),
        ("Mozilla/5.0 (PlayStation 5)", None),
        ("Mozilla/5.0 (Linux)", "Browser on Linux"),
        ("okhttp/4.12.0", "okhttp"),
        ("PantheraHive iOS/3.1 (iPhone)", "PantheraHive iOS"),
        ("python-httpx/0.28.1", "python-httpx"),
        ("<script>", None),
        ("", None),
        (None, None),
    ],
)
def test_a_device_is_named_after_its_browser_and_system(user_agent: str | None, device: str | None) -> None:
    assert describe_device(user_agent) == device


@given(st.text(max_size=600))
def test_whatever_a_client_says_gives_a_short_printable_name_or_none(user_agent: str) -> None:
    device = describe_device(user_agent)
    assert device is None or (0 < len(device) <= 40 and device.isascii() and device.isprintable())

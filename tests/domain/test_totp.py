"""One-time passwords: the vectors of RFC 6238, and what a code is good for."""

import base64
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.totp import STEP_SECONDS, code_at, generate_secret, matching_step, provisioning_uri, step_at

SECRET = b"12345678901234567890"
NOW = datetime(2026, 11, 28, 12, 0, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_codes_are_those_of_the_standard(seconds: int, code: str) -> None:
    # Appendix B of RFC 6238 has eight digits; six are the last of them.
    assert code_at(SECRET, step_at(datetime.fromtimestamp(seconds, UTC))) == code[-6:]


@given(st.integers(-3, 3), st.integers(-3, 3))
def test_a_code_is_good_for_its_own_step_and_the_ones_beside_it_if_it_is_later_than_the_last(off: int, last: int) -> None:
    present = step_at(NOW)
    code = code_at(SECRET, present + off)
    expected = present + off if abs(off) <= 1 and off > last else None
    assert matching_step(SECRET, code, NOW, after=present + last) == expected


@pytest.mark.parametrize("code", ["", "12345", "1234567", "12345a", "１２３４５６", "٠٠٠٠٠٠", "-12345", "+12345", "1e4567"])
def test_what_is_no_code_matches_nothing(code: str) -> None:
    assert matching_step(SECRET, code, NOW, after=0) is None


def test_blanks_that_apps_show_between_digits_do_not_matter() -> None:
    code = code_at(SECRET, step_at(NOW))
    assert matching_step(SECRET, f" {code[:3]} {code[3:]} ", NOW, after=0) == step_at(NOW)


def test_a_step_takes_thirty_seconds() -> None:
    assert step_at(NOW + timedelta(seconds=STEP_SECONDS)) == step_at(NOW) + 1


def test_the_address_for_apps_holds_the_secret_and_names_the_account() -> None:
    secret = generate_secret()
    parts = urlsplit(provisioning_uri(secret, "ada+1@bücher.example", "Panthera Hive"))
    assert (parts.scheme, parts.netloc) == ("otpauth", "totp")
    assert unquote(parts.path) == "/Panthera Hive:ada+1@bücher.example"
    query = parse_qs(parts.query)
    assert query["issuer"] == ["Panthera Hive"]
    assert base64.b32decode(query["secret"][0]) == secret
    assert len(secret) == 20

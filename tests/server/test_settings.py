"""Settings: what cannot be meant is refused with the name of the setting and what to write instead."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from app.settings import Settings, misspelt_settings
from gateway.http.origins import AllowedOrigins
from tests.support.examples import examples


def origins(value: str) -> list[str]:
    return Settings(allowed_origins=value).allowed_origins  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "allowed"),
    [
        ("", []),
        ("*", ["*"]),
        ("https://app.example.com", ["https://app.example.com"]),
        (" HTTPS://App.Example.com/ , http://localhost:3000", ["https://app.example.com", "http://localhost:3000"]),
        ("https://app.example.com:443,http://a:80,http://a:443", ["https://app.example.com", "http://a", "http://a:443"]),
        ("https://bücher.example", ["https://xn--bcher-kva.example"]),
        ("http://[::1]:8080,http://[::1]", ["http://[::1]:8080", "http://[::1]"]),
        ("capacitor://localhost,chrome-extension://abcdef", ["capacitor://localhost", "chrome-extension://abcdef"]),
    ],
)
def test_origins_are_read_as_browsers_send_them(value: str, allowed: list[str]) -> None:
    assert origins(value) == allowed
    assert origins(",".join(allowed)) == allowed


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("app.example.com", "app.example.com lacks its scheme: write https://app.example.com"),
        ("https://a.example, localhost:3000", "localhost:3000 lacks its scheme: write https://localhost:3000"),
        ("https://a.example/app", "https://a.example/app is no origin"),
        ("https://*.example.com", "https://*.example.com is no origin"),
        ("https://", "https:// is no origin"),
        ("https://a:0", "https://a:0 has a port that is none"),
        ("https://a:99999", "https://a:99999 has a port that is none"),
        ("://a", "://a has no scheme"),
        ("https://me@a.example", "https://me@a.example is no origin"),
    ],
)
def test_what_no_browser_sends_as_an_origin_is_refused(value: str, reason: str) -> None:
    with pytest.raises(ValidationError) as refused:
        origins(value)
    (error,) = refused.value.errors()
    assert error["loc"] == ("allowed_origins",)
    assert reason in error["msg"]


@pytest.mark.parametrize("name", ["outgoing_networks", "trusted_proxies"])
def test_networks_are_read_and_what_is_none_is_named(name: str) -> None:
    read = getattr(Settings(**{name: " 10.20.0.0/16,127.0.0.1 , ::1,"}), name)  # type: ignore[arg-type]
    assert [str(each) for each in read] == ["10.20.0.0/16", "127.0.0.1/32", "::1/128"]
    for value, reason in (
        ("127.0.0.1, 10.0.0.1/8", "10.0.0.1/8 is an address within a network: write 10.0.0.0/8"),
        ("localhost", "localhost is no address or network: write 10.0.0.7 or 10.0.0.0/8"),
    ):
        with pytest.raises(ValidationError) as refused:
            Settings(**{name: value})  # type: ignore[arg-type]
        assert [(each["loc"], each["msg"]) for each in refused.value.errors()] == [((name,), f"Value error, {reason}")]


@examples(20, many=400, derandomize=True, database=None)
@given(
    scheme=st.sampled_from(["http", "https"]),
    host=st.from_regex(r"[a-zA-Z][a-zA-Z0-9-]{0,10}(\.[a-z]{2,5})?", fullmatch=True),
    port=st.none() | st.integers(1, 65535),
)
def test_a_page_of_an_origin_that_is_listed_is_allowed(scheme: str, host: str, port: int | None) -> None:
    listed = f"{scheme}://{host}" + (f":{port}" if port else "")
    allowed = AllowedOrigins(origins(listed))
    own = {"http": 80, "https": 443}[scheme]
    sent = f"{scheme}://{host.lower()}" + (f":{port}" if port not in (None, own) else "")
    assert allowed.allows({b"origin": sent.encode(), b"host": b"elsewhere"})
    assert not allowed.allows({b"origin": f"{sent}1".encode(), b"host": b"elsewhere"})


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("HIVE_PROT", "HIVE_PORT"),
        ("HIVE_DATABSE_URL", "HIVE_DATABASE_URL"),
        ("HIVE_DATABASE", "HIVE_DATABASE_URL"),
        ("HIVE_ALLOWED_ORIGIN", "HIVE_ALLOWED_ORIGINS"),
        ("HIVE_SEED", "HIVE_SEED_SIZE"),
        ("hive_prot", "HIVE_PORT"),
        ("HIVE_PORT_", "HIVE_PORT"),
        ("HIVE_DATADIR", "HIVE_DATA_DIR"),
    ],
)
def test_a_misspelt_name_is_reported_with_the_one_that_was_meant(monkeypatch: pytest.MonkeyPatch, name: str, meant: str) -> None:
    monkeypatch.setenv(name, "1")
    assert f"{name}: there is no such setting; did you mean {meant}?" in misspelt_settings()


@pytest.mark.parametrize(
    "name", ["HIVE_URL", "HIVE_TEST_BUCKET", "HIVE_TOKEN", "HIVE_PORT", "hive_port", "HIVES", "OTHER_HIVE_PROT"]
)
def test_other_names_are_left_alone(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "1")
    assert [line for line in misspelt_settings() if line.startswith(name)] == []


@pytest.mark.parametrize("value", ["hive.example.com", "https://", "https:///x", "ftp://hive.example.com"])
def test_the_public_address_has_a_scheme_and_a_host(value: str) -> None:
    with pytest.raises(ValidationError, match="public_url"):
        Settings(public_url=value)


def test_a_secret_has_enough_characters_and_is_not_shown() -> None:
    with pytest.raises(ValidationError, match="at least 32 characters"):
        Settings(secret_key="short")  # type: ignore[arg-type]
    long = "x" * 32
    assert long not in repr(Settings(secret_key=long))  # type: ignore[arg-type]


def test_production_needs_a_secret() -> None:
    with pytest.raises(ValidationError, match="must be set in production"):
        Settings(production=True)
    assert Settings().secret_key is None


def test_a_removed_setting_is_refused_with_what_takes_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIVE_SIGNING_KEY", "{}")
    (line,) = [each for each in misspelt_settings() if each.startswith("HIVE_SIGNING_KEY")]
    assert "HIVE_SECRET_KEY" in line

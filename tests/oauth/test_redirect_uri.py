"""Redirect URIs: what may be registered, and that a request's must be exactly one of these."""

import pytest

from domain.errors import Invalid, TooLong
from domain.redirect_uri import is_registered, validate_redirect_uri

PATH = ("input", "redirectUris")


@pytest.mark.parametrize(
    "uri",
    [
        "https://app.example/callback",
        "https://app.example:8443/callback?tenant=1",
        "http://127.0.0.1/callback",
        "http://127.0.0.1:5173/callback",
        "http://localhost:3000/callback",
        "http://[::1]:3000/callback",
        "com.example.app:/callback",
        "com.example.app:callback",
    ],
)
def test_a_safe_uri_may_be_registered_and_is_found_as_it_is(uri: str) -> None:
    assert validate_redirect_uri(uri, PATH) == uri
    assert is_registered(uri, [uri])


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "/callback",
        "//app.example/callback",
        "http://app.example/callback",
        "http://127.0.0.1.evil.example/callback",
        "http://127.0.0.2/callback",
        "https://app.example/callback#fragment",
        "https://user@app.example/callback",
        "https://user:password@app.example/callback",
        "https:///callback",
        "https://",
        "javascript:alert(1)",
        "data:text/html,hello",
        "file:///etc/passwd",
        "myapp:/callback",
        "com.example.app://host/callback",
        "https://app.example/ callback",
        "https://app.example/\ncallback",
        "https://app.example\\@evil.example/",
        "https://app.example:port/",
        "https://*.example/callback ",
        "https://bücher.example/callback",
        "urn:ietf:wg:oauth:2.0:oob",
    ],
)
def test_an_unsafe_uri_is_not_registered(uri: str) -> None:
    with pytest.raises(Invalid):
        validate_redirect_uri(uri, PATH)


def test_a_uri_has_a_bound() -> None:
    with pytest.raises(TooLong):
        validate_redirect_uri("https://app.example/" + "x" * 2000, PATH)


@pytest.mark.parametrize(
    "uri",
    [
        "https://app.example/callback/",
        "https://app.example/Callback",
        "https://app.example/callback?",
        "https://app.example/callback?extra=1",
        "https://app.example/callback#fragment",
        "https://app.example/callback/../callback",
        "https://app.example/%63allback",
        "https://app.example:443/callback",
        "https://APP.example/callback",
        "HTTPS://app.example/callback",
        "http://app.example/callback",
        "https://app.example.evil.example/callback",
        "https://evil.example/https://app.example/callback",
        "https://app.example@evil.example/callback",
        "https://app.example/callback\t",
        "https://app.example",
        "",
    ],
)
def test_a_uri_that_only_resembles_a_registered_one_is_refused(uri: str) -> None:
    assert not is_registered(uri, ["https://app.example/callback"])


def test_on_the_loopback_interface_the_port_is_free_and_nothing_else() -> None:
    registered = ["http://127.0.0.1/callback"]
    assert is_registered("http://127.0.0.1:49152/callback", registered)
    assert is_registered("http://127.0.0.1/callback", registered)
    for other in (
        "http://127.0.0.1:49152/other",
        "http://127.0.0.1:49152/callback?x=1",
        "http://localhost:49152/callback",
        "http://[::1]:49152/callback",
        "https://127.0.0.1:49152/callback",
        "http://127.0.0.1:49152@evil.example/callback",
        "http://127.0.0.1:99999/callback",
        "http://127.0.0.1:x/callback",
    ):
        assert not is_registered(other, registered)

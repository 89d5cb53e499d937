"""The address of a mail server: what is meant, and what is refused with what to write instead."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from app.settings import Settings
from mail.mail_url import SesRegion, SmtpServer, parse_mail_url

SENDER = "Hive <hive@example.com>"


def smtp(host: str, port: int, tls: str, username: str | None = None, password: str | None = None) -> SmtpServer:
    return SmtpServer(host=host, port=port, tls=tls, username=username, password=password, ca_file=None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("console:", None),
        ("smtp://mail.example.com", smtp("mail.example.com", 587, "starttls")),
        ("smtp://mail.example.com:2525?tls=starttls", smtp("mail.example.com", 2525, "starttls")),
        ("smtp://localhost?tls=none", smtp("localhost", 25, "none")),
        ("smtps://hive:p%40ss%2Fw@mail.example.com", smtp("mail.example.com", 465, "implicit", "hive", "p@ss/w")),
        ("smtp://hive%40example.com:pw@[::1]:587/", smtp("::1", 587, "starttls", "hive@example.com", "pw")),
        ("ses://eu-west-1", SesRegion(region="eu-west-1", endpoint=None, key=None, secret=None, configuration_set=None)),
        (
            "ses://key:se%2Fcret@us-gov-west-1?endpoint=http://localhost:4566&configuration_set=mail",
            SesRegion(
                region="us-gov-west-1", endpoint="http://localhost:4566", key="key", secret="se/cret", configuration_set="mail"
            ),
        ),
    ],
)
def test_an_address_names_a_server(url: str, server: SmtpServer | SesRegion | None) -> None:
    assert parse_mail_url(url) == server
    assert Settings(mail_url=url, mail_from=SENDER).mail_url == url


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("mail.example.com", "must begin with smtp://"),
        ("http://mail.example.com", "must begin with smtp://"),
        ("smtp://", "must name a host"),
        ("smtp://mail.example.com/inbox", "must name a host and nothing behind it"),
        ("smtp://mail.example.com:0", "has a port that is none"),
        ("smtp://mail.example.com:99999", "has a port that is none"),
        ("smtp://hive@mail.example.com", "needs a user and a password, or neither"),
        ("smtp://hive:pw@mail.example.com?tls=none", "a password is not sent without TLS"),
        ("smtp://mail.example.com?tls=implicit", "write smtps://"),
        ("smtp://mail.example.com?tls=off", "tls is starttls or none"),
        ("smtp://mail.example.com?TLS=none", "knows tls and ca, not TLS"),
        ("smtps://mail.example.com?tls=none", "knows ca, not tls"),
        ("smtp://mail.example.com?ca=/nowhere/at/all.pem", "ca must be the path"),
        ("ses://", "must name a region"),
        ("ses://Frankfurt", "must name a region"),
        ("ses://eu-west-1?region=eu-west-1", "knows endpoint and configuration_set, not region"),
        ("ses://eu-west-1?endpoint=localhost:4566", "endpoint must begin with https://"),
    ],
)
def test_what_is_no_address_of_a_server_is_refused_by_its_setting(url: str, reason: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Settings(mail_url=url, mail_from=SENDER)
    (error,) = refused.value.errors()
    assert error["loc"] == ("mail_url",)
    assert reason in error["msg"]


def test_a_certificate_authority_is_a_file(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("")
    server = parse_mail_url(f"smtps://mail.example.com?ca={file}")
    assert isinstance(server, SmtpServer)
    assert server.ca_file == file


def test_a_server_needs_a_sender() -> None:
    with pytest.raises(ValidationError) as refused:
        Settings(mail_url="smtp://mail.example.com")
    assert [each["loc"] for each in refused.value.errors()] == [("mail_from",)]
    assert Settings(mail_url="console:").mail_from is None
    with pytest.raises(ValidationError, match="must be an address"):
        Settings(mail_from="Hive")

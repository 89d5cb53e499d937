"""Reads the address of a mail server: `smtp://`, `smtps://` or `ses://`."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

CONSOLE_URL: Final = "console:"
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")
_DEFAULT_PORTS: Final = {"implicit": 465, "starttls": 587, "none": 25}


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpServer:
    """A server that speaks SMTP. `tls`: from the first byte, after STARTTLS (required, not only offered), or none at all."""

    host: str
    port: int
    username: str | None
    password: str | None
    tls: Literal["implicit", "starttls", "none"]
    ca_file: Path | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SesRegion:
    """Amazon SES in a region. Without a key, credentials are found as AWS's tools find them."""

    region: str
    endpoint: str | None
    key: str | None
    secret: str | None
    configuration_set: str | None


def parse_mail_url(url: str) -> SmtpServer | SesRegion | None:
    """The server at a URL; None for `console:`. Raises ValueError with what to write instead."""
    if url == CONSOLE_URL:
        return None
    parts = urlsplit(url)
    match parts.scheme:
        case "smtp" | "smtps":
            return _smtp(parts)
        case "ses":
            return _ses(parts)
    raise ValueError("must begin with smtp://, smtps:// or ses://, or be console:")


def _smtp(parts: SplitResult) -> SmtpServer:
    asked = _query(parts, "tls", "ca") if parts.scheme == "smtp" else _query(parts, "ca")
    tls = asked.get("tls", "starttls") if parts.scheme == "smtp" else "implicit"
    if tls not in ("starttls", "none", "implicit") or (tls == "implicit" and parts.scheme == "smtp"):
        raise ValueError("tls is starttls or none; for TLS from the first byte write smtps://")
    if not parts.hostname or parts.path.strip("/"):
        raise ValueError("must name a host and nothing behind it: smtp://user:password@mail.example.com:587")
    username, password = _decoded(parts.username), _decoded(parts.password)
    if (username is None) != (password is None):
        raise ValueError("needs a user and a password, or neither: smtp://user:password@mail.example.com")
    if username is not None and tls == "none":
        raise ValueError("a password is not sent without TLS: leave out tls=none")
    ca_file = Path(asked["ca"]) if "ca" in asked else None
    if ca_file is not None and not ca_file.is_file():
        raise ValueError("ca must be the path of a file with certificates")
    try:
        port = parts.port
    except ValueError as error:
        raise ValueError("has a port that is none") from error
    if port == 0:
        raise ValueError("has a port that is none")
    return SmtpServer(
        host=parts.hostname,
        port=port or _DEFAULT_PORTS[tls],
        username=username,
        password=password,
        tls=tls,  # type: ignore[arg-type]
        ca_file=ca_file,
    )


def _ses(parts: SplitResult) -> SesRegion:
    asked = _query(parts, "endpoint", "configuration_set")
    region = parts.netloc.rpartition("@")[2]
    if not _REGION.fullmatch(region) or parts.path.strip("/"):
        raise ValueError("must name a region: ses://eu-west-1")
    endpoint = asked.get("endpoint")
    if endpoint is not None and urlsplit(endpoint).scheme not in ("https", "http"):
        raise ValueError("endpoint must begin with https://")
    return SesRegion(
        region=region,
        endpoint=endpoint,
        key=_decoded(parts.username),
        secret=_decoded(parts.password),
        configuration_set=asked.get("configuration_set"),
    )


def _query(parts: SplitResult, *known: str) -> dict[str, str]:
    asked = parse_qs(parts.query, keep_blank_values=True)
    if unknown := asked.keys() - set(known):
        raise ValueError(f"knows {' and '.join(known)}, not {min(unknown)}")
    return {name: values[-1] for name, values in asked.items()}


def _decoded(value: str | None) -> str | None:
    return unquote(value) if value else None

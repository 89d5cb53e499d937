"""Types of settings: what the text of each may be, and why it is refused where it may not.

A `ValueError` completes the sentence that begins with the name of the setting.
"""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated
from urllib.parse import SplitResult, parse_qs, urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, field_validator
from pydantic_settings import NoDecode

from auth.providers.port import ProviderSettings, is_secure
from auth.server_secret import MIN_SECRET_CHARS
from domain.email_address import ascii_host, validate_email
from domain.ip_network import IpNetwork, parse_networks
from mail.mail_url import parse_mail_url
from push.sns import parse_push_url


class OpenIDProviderSetting(BaseModel):
    """An outside provider, as JSON: `name`, `issuer`, `client_id`, and `client_secret` unless it gives none."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, max_length=50)
    issuer: str = Field(max_length=500)
    client_id: str = Field(min_length=1, max_length=500)
    client_secret: SecretStr | None = None

    @field_validator("issuer")
    @classmethod
    def _is_issuer(cls, value: str) -> str:
        parts = urlsplit(value)
        if not parts.hostname or parts.query or parts.fragment or "@" in parts.netloc:
            raise ValueError(f"{value} is no issuer: write it as the provider does, such as https://accounts.google.com")
        if not is_secure(parts.scheme, parts.hostname):
            raise ValueError(f"{value} must begin with https://")
        return value

    def to_provider(self) -> ProviderSettings:
        """What the client of the provider needs."""
        return ProviderSettings(
            id=self.id,
            name=self.name,
            issuer=self.issuer,
            client_id=self.client_id,
            client_secret=None if self.client_secret is None else self.client_secret.get_secret_value(),
        )

    @property
    def id(self) -> str:
        """The name as a part of addresses; empty where it has no letters for that."""
        return re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")


def _provider_list(value: object) -> object:
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError as error:
        raise ValueError(f"is no JSON: {error}") from error


def _with_ids(value: list[OpenIDProviderSetting]) -> list[OpenIDProviderSetting]:
    ids = [each.id for each in value]
    if len(set(ids)) < len(ids) or "" in ids:
        raise ValueError("must have names that differ in ASCII letters or digits, which become part of addresses")
    return value


def _parts(value: object) -> object:
    return [each.strip() for each in value.split(",") if each.strip()] if isinstance(value, str) else value


def _networks(value: object) -> object:
    return parse_networks([each.strip() for each in value.split(",") if each.strip()]) if isinstance(value, str) else value


def _with_scheme(value: str, *schemes: str) -> SplitResult:
    if value.partition("://")[0] not in schemes:
        raise ValueError(f"must begin with {schemes[0]}://")
    return urlsplit(value)


def _query(found: SplitResult, *known: str) -> dict[str, list[str]]:
    """The query, which has only parameters that are known."""
    asked = parse_qs(found.query, keep_blank_values=True)
    if unknown := asked.keys() - set(known):
        names = known[0] if len(known) == 1 else f"{', '.join(known[:-1])} and {known[-1]}"
        raise ValueError(f"knows {names}, not {min(unknown)}")
    for endpoint in asked.get("endpoint", ()):
        _with_scheme(endpoint, "https", "http")
    return asked


def _url(*schemes: str) -> Callable[[str], str]:
    def require(value: str) -> str:
        _with_scheme(value, *schemes)
        return value

    return require


def _bucket(value: str) -> str:
    found = _with_scheme(value, "s3")
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", found.netloc.rpartition("@")[2]):
        raise ValueError("must name a bucket: s3://bucket")
    _query(found, "region", "endpoint")
    return value


def _queue(value: str) -> str:
    found = _with_scheme(value, "sqs")
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,80}", found.netloc.rpartition("@")[2]):
        raise ValueError("must name a standard queue: sqs://queue")
    for each in _query(found, "region", "endpoint", "topic").get("topic", ()):
        _topic(each)
    return value


def _topic(value: str) -> str:
    if not re.fullmatch(r"arn:[a-z-]+:sns:[a-z0-9-]+:\d+:[A-Za-z0-9_-]+", value):
        raise ValueError(f"{value} is no topic: write arn:aws:sns:region:account:name")
    return value


def _search_engine(value: str) -> str:
    found = _with_scheme(value, "https", "http")
    if not found.hostname:
        raise ValueError("must name a host, such as https://search.example.com:9200")
    if not re.fullmatch(r"/?|/[a-z][a-z0-9_-]{0,79}/?", found.path):
        raise ValueError("may name one prefix of indices, in small letters: https://search.example.com:9200/hive")
    for path in _query(found, "ca").get("ca", ()):
        if not Path(path).is_file():
            raise ValueError(f"there is no certificate {path}")
    return value


def _web(value: str) -> str:
    if not _with_scheme(value, "https", "http").hostname:
        raise ValueError("must name a host, such as https://hive.example.com")
    return value


def _mail_server(value: str) -> str:
    parse_mail_url(value)
    return value


def _push_service(value: str) -> str:
    parse_push_url(value)
    return value


def _mail_domain(value: str) -> str:
    return validate_email(f"reply@{value}", ()).rpartition("@")[2]


def _long_secret(value: SecretStr) -> SecretStr:
    if len(value.get_secret_value()) < MIN_SECRET_CHARS:
        raise ValueError(f"must have at least {MIN_SECRET_CHARS} characters, such as those of: openssl rand -base64 32")
    return value


def _origins(value: list[str]) -> list[str]:
    return [each if each == "*" else _origin(each) for each in value]


def _origin(value: str) -> str:
    """An origin as browsers send it: scheme, host and a port that is not the scheme's own."""
    scheme, separator, rest = value.partition("://")
    if not separator:
        raise ValueError(f"{value} lacks its scheme: write https://{value}")
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*", scheme):
        raise ValueError(f"{value} has no scheme such as https://")
    host = rest.removesuffix("/")
    if not host or re.search(r"[/?#@*\s]", host):
        raise ValueError(f"{value} is no origin: write the scheme, the host and perhaps a port, such as https://app.example.com")
    name, colon, port = host.rpartition(":") if re.search(r":\d*$", host) else (host, "", "")
    if colon and not 0 < int(port or 0) <= 65535:
        raise ValueError(f"{value} has a port that is none")
    default = {"http": "80", "https": "443"}.get(scheme.lower())
    return f"{scheme.lower()}://{ascii_host(name.lower())}" + (f":{port}" if colon and port != default else "")


def _topics(value: list[str]) -> list[str]:
    return [_topic(each) for each in value]


Networks = Annotated[list[IpNetwork], NoDecode, BeforeValidator(_networks)]
"""Addresses and networks, separated by commas."""
Origins = Annotated[list[str], NoDecode, BeforeValidator(_parts), AfterValidator(_origins)]
"""Origins as browsers send them, or `*`, separated by commas."""
SnsTopics = Annotated[list[str], NoDecode, BeforeValidator(_parts), AfterValidator(_topics)]
"""ARNs of topics, separated by commas."""
OpenIDProviders = Annotated[list[OpenIDProviderSetting], NoDecode, BeforeValidator(_provider_list), AfterValidator(_with_ids)]
"""A JSON list of providers."""
PostgresUrl = Annotated[str, AfterValidator(_url("postgresql", "postgres"))]
RedisUrl = Annotated[str, AfterValidator(_url("redis", "rediss", "unix"))]
BucketUrl = Annotated[str, AfterValidator(_bucket)]
QueueUrl = Annotated[str, AfterValidator(_queue)]
SearchUrl = Annotated[str, AfterValidator(_search_engine)]
WebUrl = Annotated[str, AfterValidator(_web)]
MailUrl = Annotated[str, AfterValidator(_mail_server)]
PushUrl = Annotated[str, AfterValidator(_push_service)]
MailDomain = Annotated[str, AfterValidator(_mail_domain)]
LongSecret = Annotated[SecretStr, AfterValidator(_long_secret)]

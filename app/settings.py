"""Every setting, typed. All come from the environment, prefix `HIVE_`, and every default works on a bare machine."""

import difflib
import os
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.setting_types import (
    BucketUrl,
    LongSecret,
    MailDomain,
    MailUrl,
    Networks,
    OpenIDProviders,
    Origins,
    PostgresUrl,
    PushUrl,
    QueueUrl,
    RedisUrl,
    SearchUrl,
    SnsTopics,
    WebUrl,
)
from mail.mail_url import CONSOLE_URL
from mail.message import parse_mailbox

DEMO_EMAIL, DEMO_PASSWORD = "demo@pantherahive.dev", "panthera-demo"
DEMO_PEOPLE = (("Dana Whitfield", DEMO_EMAIL), ("Priya Raghavan", "priya@larkspur.example"))
"""Names and addresses of those who sign in with that password: the demo user, and a second person of the same teams."""


_REMOVED = {
    "HIVE_SIGNING_KEY": "keys are generated and rotated by the server; HIVE_SECRET_KEY encrypts them, so set that one instead."
}


class Settings(BaseSettings):
    """What a deployment decides."""

    model_config = SettingsConfigDict(env_prefix="HIVE_", env_ignore_empty=True, frozen=True)

    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8000, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    public_url: WebUrl | None = Field(default=None, description="Where people reach the server; http://host:port by default.")
    data_dir: Path = Field(default=Path(".data"), description="Where the embedded Postgres and the blobs are kept.")
    database_url: PostgresUrl | None = Field(
        default=None, description="postgresql:// address; the embedded Postgres without one."
    )
    database_connections: int = Field(default=10, ge=2, le=200, description="Connections to Postgres per process.")
    row_level_security: bool = Field(
        default=False, description="Postgres narrows what is read for a principal once more; see docs/security."
    )
    redis_url: RedisUrl | None = Field(
        default=None, description="redis:// address for live changes; in memory, one process, without one."
    )
    blobs_url: BucketUrl | None = Field(
        default=None,
        description="s3://bucket/prefix?region=…&endpoint=… for files and documents; a folder of data_dir without one.",
    )
    queue_url: QueueUrl | None = Field(
        default=None,
        description="sqs://queue?region=…&topic=…&endpoint=… that wakes workers; NOTIFY of Postgres without one.",
    )
    opensearch_url: SearchUrl | None = Field(
        default=None, description="https://user:password@host:9200/prefix of OpenSearch; search runs on Postgres without one."
    )
    seed_size: Literal["none", "demo", "large"] | None = Field(
        default=None, description="What an empty database is filled with; demo, in production none."
    )
    production: bool = Field(default=False, description="No demo sign-in, no introspection for strangers, no GraphiQL hints.")
    registration: Literal["open", "invite", "verify"] = Field(
        default="open",
        description="Who may register: anybody at once, addresses that a team invited, or anybody who answers a mail.",
    )
    allowed_origins: Origins = Field(
        default=[], description="Pages of other origins that may call the graph, separated by commas."
    )
    openid_providers: OpenIDProviders = Field(
        default=[], description="Outside OpenID providers through which people sign in: a JSON list; see docs/providers.md."
    )
    trusted_proxies: Networks = Field(
        default=[], description="Addresses and networks of proxies, separated by commas, whose X-Forwarded-For and -Proto count."
    )
    outgoing_networks: Networks = Field(
        default=[],
        description="Addresses and networks, separated by commas, that URLs of strangers may lead to though they are not public.",
    )
    trusted_documents: Path | None = Field(
        default=None, description="Manifest of the only documents that may run; any document without one."
    )
    cost_limits: Literal["enforce", "report", "off"] | None = Field(
        default=None,
        description="Whether operations that cost more than the limits are refused, or the limits only told; report in "
        "development, enforce in production.",
    )
    cost_burst: int = Field(default=5_000, ge=5_000, le=10**9, description="Cost of operations that one may ask for at once.")
    cost_per_hour: int = Field(default=60_000, ge=1_000, le=10**9, description="Cost of operations an hour in the long run.")
    connections_per_person: int | None = Field(
        default=None, ge=1, description="Websockets of one person, in one process; in production 200, else any number."
    )
    connections_per_address: int | None = Field(
        default=None, ge=1, description="Connections of the strangers of an address, in one process; in production 500."
    )
    compression: Literal["off", "gzip"] = Field(default="off", description="How answers above 1 KiB are compressed.")
    mail_url: MailUrl | None = Field(
        default=None,
        description="smtp://, smtps:// or ses:// address of what sends mail; console: shows it at /dev/mail.",
    )
    app_url: WebUrl | None = Field(
        default=None, description="Where the front end is, for links in mails: APP_URL/task/ID; no such links without one."
    )
    mail_topics: SnsTopics = Field(
        default=[], description="Topics of SNS that may report bounces and complaints to /mail/sns, separated by commas."
    )
    reply_domain: MailDomain | None = Field(
        default=None, description="Domain whose mail reaches this server, so that replies to mails become comments."
    )
    incoming_mail_secret: LongSecret | None = Field(
        default=None, description="With which a mail server may post mails to /mail/incoming; at least 32 characters."
    )
    push_url: PushUrl | None = Field(
        default=None,
        description="sns://region?apns=arn:…&fcm=arn:… through which apps are sent pushes; browsers only without one.",
    )
    mail_from: str | None = Field(
        default=None, validate_default=True, description="Whom mail comes from: PantheraHive <hive@example.com>."
    )
    secret_key: LongSecret | None = Field(
        default=None,
        validate_default=True,
        description="Encrypts private keys in the database; a secret file in data_dir without one. Required in production.",
    )
    key_rotation_days: int = Field(
        default=30, ge=0, le=365, description="Age at which the key that signs tokens is replaced; 0 leaves it to operators."
    )
    metrics_host: str = Field(default="127.0.0.1", description="Address on which metrics are given away.")
    metrics_port: int | None = Field(
        default=None, ge=1, le=65535, description="Port for Prometheus, one more for each further worker; off without one."
    )
    settle_seconds: float = Field(
        default=60.0, ge=1, description="How often documents that rest are looked for, to save a version and shorten their logs."
    )
    event_retention_days: int = Field(
        default=90,
        ge=0,
        description="Days for which changes and activity are kept; a cursor that is older has expired. 0 keeps them for ever.",
    )
    audit_retention_days: int = Field(
        default=365, ge=0, description="Days for which entries of audit logs are kept; 0 keeps them for ever."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="How much is logged.")

    @field_validator("allowed_origins", "mail_topics", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return [each.strip() for each in value.split(",") if each.strip()] if isinstance(value, str) else value

    @field_validator("secret_key")
    @classmethod
    def _is_secret(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if value is None and info.data.get("production"):
            raise ValueError(
                "must be set in production, the same for all processes: for example the output of openssl rand -base64 32"
            )
        return value

    @field_validator("mail_from")
    @classmethod
    def _is_mailbox(cls, value: str | None, given: ValidationInfo) -> str | None:
        if value is not None:
            parse_mailbox(value)
        elif given.data.get("mail_url") not in (None, CONSOLE_URL):
            raise ValueError("must be set where HIVE_MAIL_URL is: PantheraHive <hive@example.com>")
        return value

    @property
    def origin(self) -> str:
        """The address of the server as people see it, without a slash at the end."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")

    @property
    def enforces_cost_limits(self) -> bool:
        """Whether operations beyond the limits are refused."""
        return (self.cost_limits or ("enforce" if self.production else "report")) == "enforce"

    @property
    def max_connections(self) -> tuple[int | None, int | None]:
        """In one process: websockets of a person, and connections of an address' strangers; None for any number."""
        person, address = (200, 500) if self.production else (None, None)
        return self.connections_per_person or person, self.connections_per_address or address

    @property
    def seed(self) -> Literal["none", "demo", "large"]:
        """What an empty database is filled with."""
        return self.seed_size or ("none" if self.production else "demo")


def environment(**overrides: str) -> dict[str, str]:
    """The environment for a process of ours: this one's, with other settings (by their names in `Settings`)."""
    return {**os.environ, **{f"HIVE_{name.upper()}": value for name, value in overrides.items()}}


def misspelt_settings() -> list[str]:
    """A line for each variable of the environment that looks like a setting and is none, with the name that was meant."""
    names = [f"HIVE_{name.upper()}" for name in Settings.model_fields]
    lines = [f"{name}: {instead}" for name, instead in _REMOVED.items() if name in os.environ]
    for given in sorted(each for each in os.environ if each.upper().startswith("HIVE_") and each.upper() not in names):
        begun = [name for name in names if name.startswith(given.upper()) or given.upper().startswith(name)]
        # The prefix, which all have, makes no name like another.
        near = difflib.get_close_matches(
            given.upper().removeprefix("HIVE_"), [each.removeprefix("HIVE_") for each in names], n=1, cutoff=0.7
        )
        alike = [f"HIVE_{each}" for each in near]
        meant = [] if given.upper() in _REMOVED else begun or alike
        if meant:
            lines.append(f"{given}: there is no such setting; did you mean {meant[0]}?")
    return lines

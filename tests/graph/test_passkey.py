"""Passkeys through the graph: making one, signing in with it alone or as a second factor, and what forgers try."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from auth.account_mail import BackgroundAccountMailer
from auth.sign_in import PasswordSignIn
from domain.actor import Actor
from domain.errors import RateLimited, Unauthenticated
from domain.passkey import GRAPH_AUDIENCE, Assertion
from mail.console import ConsoleMailer
from tests.graph.test_factor import ACCOUNT, codes_of, errors_of, protected, run_as
from tests.graph.test_factor import sign_in as sign_in_by_password
from tests.support.app import App
from tests.support.authenticator import RP_ORIGIN, SoftAuthenticator, decode, encode
from tests.support.graph_actions import table_states
from tests.support.sign_in import actor_of, refresh, register, unused_email

START = "mutation ($input: FactorStartInput!) { factorStart(input: $input) { factor { id kind label } secret errors { code path message } } }"
CONFIRM = (
    "mutation ($input: FactorConfirmInput!) { factorConfirm(input: $input) { factor { id kind } secret errors { code path } } }"
)
REQUEST = "mutation { passkeyRequestCreate(input: {}) { options expiresAt errors { code } } }"
SIGN_IN = """mutation ($input: SessionCreateWithPasskeyInput!) {
  sessionCreateWithPasskey(input: $input) { user { id } tokens { accessToken refreshToken } errors { code path message } }
}"""
REFUSED = ("UNAUTHENTICATED", ["input", "credential"])


async def options_of(app: App, actor: Actor | None = None) -> Any:
    """Options for a passkey to sign."""
    answer = await app.execute(None, REQUEST, actor=actor)
    return answer["data"]["passkeyRequestCreate"]["options"]


async def begin(app: App, actor: Actor, **fields: Any) -> tuple[str, Any]:
    """A passkey that was begun, and the options for making it."""
    payload = (await run_as(app, actor, START, input={"kind": "PASSKEY"} | fields))["factorStart"]
    assert payload["errors"] == []
    return payload["factor"]["id"], payload["secret"]["options"]


async def confirm(app: App, actor: Actor, factor_id: str, credential: Any) -> Any:
    """The payload of making a passkey count."""
    return (await run_as(app, actor, CONFIRM, input={"id": factor_id, "credential": credential}))["factorConfirm"]


async def with_passkey(app: App, **device: Any) -> tuple[str, Actor, SoftAuthenticator, list[str]]:
    """Somebody with a passkey: address, session, device and recovery codes."""
    email = unused_email()
    actor = await actor_of(app, await register(app, email=email))
    authenticator = SoftAuthenticator(**device)
    factor_id, options = await begin(app, actor, label="Phone")
    payload = await confirm(app, actor, factor_id, authenticator.create(options))
    assert payload["errors"] == []
    return email, actor, authenticator, payload["secret"]["recoveryCodes"]


async def sign_in(app: App, credential: Any) -> Any:
    """The payload of signing in with a passkey."""
    return (await app.run(None, SIGN_IN, input={"credential": credential}))["sessionCreateWithPasskey"]


async def refusals(app: App, credential: Any) -> list[tuple[str, Any]]:
    """The codes and paths of the errors of signing in with a passkey."""
    return [(each["code"], each["path"]) for each in (await sign_in(app, credential))["errors"]]


# ── making one ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_passkey_counts_once_it_is_made_and_ends_other_sessions(app: App) -> None:
    email = unused_email()
    elsewhere = await register(app, email=email)
    actor = await actor_of(app, await sign_in_by_password(app, email))
    factor_id, options = await begin(app, actor, label=" Phone ")
    assert options["rp"] == {"id": "localhost", "name": "PantheraHive"}
    assert options["authenticatorSelection"] == {
        "residentKey": "required",
        "requireResidentKey": True,
        "userVerification": "required",
    }
    assert (options["attestation"], options["excludeCredentials"]) == ("none", [])
    assert await codes_of(app, email) == []
    authenticator = SoftAuthenticator()
    payload = await confirm(app, actor, factor_id, authenticator.create(options))
    assert payload["errors"] == []
    assert len(set(payload["secret"]["recoveryCodes"])) == 10
    seen = (await run_as(app, actor, ACCOUNT))["viewer"]["account"]
    assert seen == {"factors": [{"id": factor_id, "kind": "PASSKEY", "label": "Phone"}], "recoveryCodesLeft": 10}
    assert (await refresh(app, elsewhere["tokens"]["refreshToken"]))["errors"][0]["code"] == "UNAUTHENTICATED"
    _, again = await begin(app, actor)
    assert again["excludeCredentials"] == [{"type": "public-key", "id": encode(authenticator.credential_id)}]


async def test_mails_tell_of_a_passkey_that_was_added_and_removed(app: App) -> None:
    background, mailer = app.resources.services.account_mailer, app.resources.mailer
    assert isinstance(background, BackgroundAccountMailer)
    assert isinstance(mailer, ConsoleMailer)
    email, actor, _, _ = await with_passkey(app)
    (factor,) = (await run_as(app, actor, ACCOUNT))["viewer"]["account"]["factors"]
    assert await errors_of(app, actor, "factorRemove", id=factor["id"]) == []
    await background._waiting.join()
    sent = [each.message["subject"] for each in await mailer.list_all() if email in each.message["to"]]
    assert sorted(sent) == ["A passkey was added", "A passkey was removed", "Confirm your e-mail address"]


HOSTILE_CREATIONS: Mapping[str, Callable[[Any], Any]] = {
    "of another origin": lambda options: SoftAuthenticator(origin="https://evil.example").create(options),
    "of another port": lambda options: SoftAuthenticator(origin="http://localhost:8001").create(options),
    "of the numeric address": lambda options: SoftAuthenticator(origin="http://127.0.0.1:8000").create(options),
    "of another relying party": lambda options: SoftAuthenticator(rp_id="evil.example").create(options),
    "without verifying the user": lambda options: SoftAuthenticator(verifies_user=False).create(options),
    "without the user": lambda options: SoftAuthenticator(is_user_present=False).create(options),
    "in a frame of another site": lambda options: SoftAuthenticator(cross_origin=True).create(options),
    "for another challenge": lambda options: SoftAuthenticator().create(options | {"challenge": encode(bytes(56))}),
    "for a part of the challenge": lambda options: SoftAuthenticator().create(options | {"challenge": options["challenge"][:20]}),
    "attested by a maker": lambda options: SoftAuthenticator().create(
        options, fmt="packed", attStmt={"alg": -7, "sig": b"1", "x5c": [b"1"]}
    ),
    "of an unknown attestation": lambda options: SoftAuthenticator().create(options, fmt="tpm", attStmt={}),
    "of a key on no curve": lambda options: _BadKey().create(options),
    "of an endless id": lambda options: SoftAuthenticator(credential_id=bytes(1024)).create(options),
    "with an id of another": lambda options: SoftAuthenticator().create(options) | {"id": "AAAA"},
    "that signs": lambda options: SoftAuthenticator().sign(options),
    "of nothing": lambda _: {},
    "of a text": lambda _: "credential",
    "of a number": lambda _: 1,
}


class _BadKey(SoftAuthenticator):
    @property
    def public_key(self) -> bytes:
        return super().public_key.replace(self.key.public_key().public_numbers().x.to_bytes(32, "big"), bytes(31) + b"\x01")


@pytest.mark.parametrize("name", HOSTILE_CREATIONS)
async def test_a_hostile_creation_adds_nothing(app: App, hostile: tuple[Actor, str, Any], name: str) -> None:
    actor, factor_id, options = hostile
    before = await table_states(app)
    payload = await confirm(app, actor, factor_id, HOSTILE_CREATIONS[name](options))
    assert payload["errors"] == [{"code": "INVALID", "path": ["input", "credential"]}]
    assert await table_states(app) == before


@pytest.fixture(scope="module")
async def hostile(app: App) -> tuple[Actor, str, Any]:
    """Somebody who has begun a passkey: nothing that is refused ends that."""
    actor = await actor_of(app, await register(app))
    return actor, *(await begin(app, actor))


async def test_options_are_of_one_session_and_one_beginning(app: App) -> None:
    email = unused_email()
    actor = await actor_of(app, await register(app, email=email))
    other = await actor_of(app, await sign_in_by_password(app, email))
    first_id, first = await begin(app, actor)
    factor_id, options = await begin(app, actor)
    made = SoftAuthenticator().create(options)
    assert (await confirm(app, other, factor_id, made))["errors"] == [{"code": "INVALID", "path": ["input", "credential"]}]
    stale = SoftAuthenticator().create(first)
    assert (await confirm(app, actor, factor_id, stale))["errors"] == [{"code": "INVALID", "path": ["input", "credential"]}]
    assert (await confirm(app, actor, first_id, stale))["errors"] == [{"code": "NOT_FOUND", "path": ["input", "id"]}]
    assert (await confirm(app, actor, factor_id, made))["errors"] == []
    assert (await confirm(app, actor, factor_id, made))["errors"] == [{"code": "NOT_FOUND", "path": ["input", "id"]}]


async def test_a_passkey_belongs_to_one_account(app: App) -> None:
    _, owner, authenticator, _ = await with_passkey(app)
    thief = await actor_of(app, await register(app))
    factor_id, options = await begin(app, thief)
    copied = SoftAuthenticator(credential_id=authenticator.credential_id)
    before = await table_states(app)
    payload = await confirm(app, thief, factor_id, copied.create(options))
    assert payload["errors"] == [{"code": "INVALID", "path": ["input", "credential"]}]
    assert await table_states(app) == before
    signed_in = await sign_in(app, authenticator.sign(await options_of(app)))
    assert (await actor_of(app, signed_in)).user_id == owner.user_id


async def test_a_passkey_that_was_begun_is_good_for_five_minutes(app: App) -> None:
    actor = await actor_of(app, await register(app))
    factor_id, options = await begin(app, actor)
    await app.sql.execute("UPDATE factors SET created_at = now() - interval '5 min' WHERE user_id = $1", actor.user_id)
    payload = await confirm(app, actor, factor_id, SoftAuthenticator().create(options))
    assert payload["errors"] == [{"code": "NOT_FOUND", "path": ["input", "id"]}]


async def test_an_account_has_ten_factors_at_most(app: App) -> None:
    actor = await actor_of(app, await register(app))
    for _ in range(10):
        factor_id, options = await begin(app, actor)
        assert (await confirm(app, actor, factor_id, SoftAuthenticator().create(options)))["errors"] == []
    assert await errors_of(app, actor, "factorStart", kind="PASSKEY") == [("LIMIT_EXCEEDED", None)]


async def test_passkeys_are_changed_by_whoever_has_just_signed_in(app: App) -> None:
    _, actor, authenticator, _ = await with_passkey(app)
    (factor,) = (await run_as(app, actor, ACCOUNT))["viewer"]["account"]["factors"]
    await app.sql.execute("UPDATE sessions SET authenticated_at = now() - interval '10 min' WHERE id = $1", actor.session_id)
    stale = [("REAUTHENTICATION_REQUIRED", None)]
    assert await errors_of(app, actor, "factorStart", kind="PASSKEY") == stale
    assert await errors_of(app, actor, "factorRemove", id=factor["id"]) == stale
    assert await errors_of(app, actor, "sessionReauthenticate") == [("INVALID", ["input", "password"])]
    assert await errors_of(app, actor, "sessionReauthenticate", code="1") == [("INVALID", ["input", "password"])]
    for_anybody = authenticator.sign(await options_of(app))
    assert await errors_of(app, actor, "sessionReauthenticate", credential=for_anybody) == [REFUSED]
    signed = authenticator.sign(await options_of(app, actor))
    assert await errors_of(app, actor, "sessionReauthenticate", credential=signed) == []
    assert await errors_of(app, actor, "sessionReauthenticate", credential=signed) == [REFUSED]
    assert await errors_of(app, actor, "factorRemove", id=factor["id"]) == []


async def test_nobody_reauthenticates_by_the_passkey_of_somebody_else(app: App) -> None:
    _, _, authenticator, _ = await with_passkey(app)
    actor = await actor_of(app, await register(app))
    signed = authenticator.sign(await options_of(app, actor))
    before = await table_states(app)
    assert await errors_of(app, actor, "sessionReauthenticate", credential=signed) == [REFUSED]
    assert await table_states(app) == before


# ── signing in ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_passkey_signs_in_alone(app: App) -> None:
    _, actor, authenticator, _ = await with_passkey(app)
    options = await options_of(app)
    assert (options["rpId"], options["userVerification"], options["allowCredentials"]) == ("localhost", "required", [])
    payload = await sign_in(app, authenticator.sign(options))
    assert payload["errors"] == []
    assert (await actor_of(app, payload)).user_id == actor.user_id
    used = await app.sql.fetchval("SELECT last_used_at FROM factors WHERE user_id = $1", actor.user_id)
    assert used is not None


async def test_with_a_passkey_a_password_alone_opens_no_session(app: App) -> None:
    email, _, authenticator, recovery = await with_passkey(app)
    assert await codes_of(app, email) == ["SECOND_FACTOR_REQUIRED"]
    assert await codes_of(app, email, code="000000") == ["UNAUTHENTICATED"]
    signed = authenticator.sign(await options_of(app))
    assert await codes_of(app, email, password="wrong horse battery", credential=signed) == ["UNAUTHENTICATED"]
    assert await codes_of(app, email, credential=signed) == []
    assert await codes_of(app, email, credential=signed) == ["UNAUTHENTICATED"]
    assert await codes_of(app, email, code=recovery[0]) == []


async def test_a_second_factor_needs_no_user_handle_but_signing_in_alone_does(app: App) -> None:
    email, _, authenticator, _ = await with_passkey(app)
    silent = replace(authenticator, user_handle=None)
    assert await refusals(app, silent.sign(await options_of(app))) == [REFUSED]
    assert await codes_of(app, email, credential=silent.sign(await options_of(app))) == []


async def test_the_passkey_of_somebody_else_is_no_second_factor(app: App) -> None:
    email, _, _, _ = await with_passkey(app)
    _, _, other, _ = await with_passkey(app)
    before = await table_states(app)
    assert await codes_of(app, email, credential=other.sign(await options_of(app))) == ["UNAUTHENTICATED"]
    assert await table_states(app) == before


@pytest.fixture(scope="module")
async def known(app: App) -> SoftAuthenticator:
    """A passkey that has signed in, and whose count went up far."""
    _, _, authenticator, _ = await with_passkey(app, sign_count=7)
    assert await refusals(app, authenticator.sign(await options_of(app))) == []
    return authenticator


HOSTILE_ASSERTIONS: Mapping[str, Callable[[SoftAuthenticator, Any], Any]] = {
    "of another origin": lambda device, options: replace(device, origin="https://evil.example").sign(options),
    "of an origin that begins alike": lambda device, options: replace(device, origin=RP_ORIGIN + ".evil.example").sign(options),
    "of another relying party": lambda device, options: replace(device, rp_id="evil.example").sign(options),
    "without verifying the user": lambda device, options: replace(device, verifies_user=False).sign(options),
    "without the user": lambda device, options: replace(device, is_user_present=False).sign(options),
    "in a frame of another site": lambda device, options: replace(device, cross_origin=True).sign(options),
    "with a count that went back": lambda device, options: replace(device, sign_count=3).sign(options),
    "with the same count": lambda device, options: replace(device, counts=False).sign(options),
    "with a count of zero": lambda device, options: replace(device, counts=False, sign_count=0).sign(options),
    "by another key": lambda device, options: replace(device, key=ec.generate_private_key(ec.SECP256R1())).sign(options),
    "by an unknown credential": lambda device, options: replace(device, credential_id=b"unknown").sign(options),
    "for another user": lambda device, options: replace(device, user_handle=bytes(16)).sign(options),
    "for another challenge": lambda device, options: device.sign(options | {"challenge": encode(bytes(56))}),
    "for an older challenge": lambda device, options: device.sign(options | {"challenge": _older(options["challenge"])}),
    "with an id of another": lambda device, options: device.sign(options) | {"id": "AAAA"},
    "with a signature of nothing": lambda device, options: _signed(device.sign(options), b""),
    "that makes a key": lambda device, options: replace(device).create(options | {"user": {"id": "AA"}}),
    "of nothing": lambda *_: {},
    "of a list": lambda *_: [],
    "of 16 KiB": lambda device, options: device.sign(options) | {"padding": "x" * 16_384},
    "of deep nesting": lambda device, options: device.sign(options) | {"response": {"clientDataJSON": encode(b"[" * 9_000)}},
}


def _older(challenge: str) -> str:
    decoded = decode(challenge)
    return encode(bytes(8) + decoded[8:])


def _signed(assertion: dict[str, Any], signature: bytes) -> dict[str, Any]:
    return assertion | {"response": assertion["response"] | {"signature": encode(signature)}}


@pytest.mark.parametrize("name", HOSTILE_ASSERTIONS)
async def test_a_hostile_assertion_signs_nobody_in(app: App, known: SoftAuthenticator, name: str) -> None:
    hostile = HOSTILE_ASSERTIONS[name](known, await options_of(app))
    before = await table_states(app)
    payload = await sign_in(app, hostile)
    assert [(each["code"], each["path"]) for each in payload["errors"]] == [REFUSED]
    assert (payload["tokens"], payload["user"]) == (None, None)
    assert await table_states(app) == before
    unknown = await sign_in(app, SoftAuthenticator(user_handle=bytes(16)).sign(await options_of(app)))
    assert payload == unknown  # nobody learns what was wrong


async def test_a_challenge_is_good_once(app: App) -> None:
    _, _, authenticator, _ = await with_passkey(app)
    options = await options_of(app)
    later = await options_of(app)
    signed = authenticator.sign(options)
    assert await refusals(app, signed) == []
    assert await refusals(app, signed) == [REFUSED]
    assert await refusals(app, authenticator.sign(options)) == [REFUSED]
    assert await refusals(app, authenticator.sign(later)) == []
    assert await refusals(app, authenticator.sign(options)) == [REFUSED]


async def test_a_challenge_is_good_once_for_a_device_that_does_not_count(app: App) -> None:
    _, _, authenticator, _ = await with_passkey(app, counts=False)
    options = await options_of(app)
    assert await refusals(app, authenticator.sign(options)) == []
    assert await refusals(app, authenticator.sign(options)) == [REFUSED]
    assert await refusals(app, authenticator.sign(await options_of(app))) == []


async def test_a_challenge_of_a_session_signs_nobody_in(app: App) -> None:
    _, actor, authenticator, _ = await with_passkey(app)
    assert await refusals(app, authenticator.sign(await options_of(app, actor))) == [REFUSED]


async def test_a_removed_passkey_signs_nobody_in(app: App) -> None:
    email, actor, authenticator, _ = await with_passkey(app)
    (factor,) = (await run_as(app, actor, ACCOUNT))["viewer"]["account"]["factors"]
    assert await errors_of(app, actor, "factorRemove", id=factor["id"]) == []
    assert await refusals(app, authenticator.sign(await options_of(app))) == [REFUSED]
    assert await codes_of(app, email) == []


async def test_the_passkey_of_a_suspended_account_signs_nobody_in(app: App) -> None:
    _, actor, authenticator, _ = await with_passkey(app)
    await app.sql.execute("UPDATE users SET status = 'INACTIVE' WHERE id = $1", actor.user_id)
    assert await refusals(app, authenticator.sign(await options_of(app))) == [REFUSED]


async def test_a_passkey_beside_an_authenticator_app(app: App) -> None:
    email, actor, totp, _ = await protected(app)
    authenticator = SoftAuthenticator()
    factor_id, options = await begin(app, actor)
    payload = await confirm(app, actor, factor_id, authenticator.create(options))
    assert (payload["errors"], payload["secret"]) == ([], None)
    assert await codes_of(app, email, code=totp.code()) == []
    assert await codes_of(app, email, credential=authenticator.sign(await options_of(app))) == []


async def test_tries_of_a_passkey_are_limited_as_those_of_passwords_are(isolated_app: App) -> None:
    _, _, authenticator, _ = await with_passkey(isolated_app)
    service = isolated_app.resources.services.sign_in
    assert isinstance(service, PasswordSignIn)
    outcomes = []
    for device in (authenticator, SoftAuthenticator(user_handle=bytes(16))):
        for _ in range(6):
            forged = replace(device, origin="https://evil.example").sign(await options_of(isolated_app))
            try:
                await service.with_passkey(Assertion(credential=forged, audience=GRAPH_AUDIENCE), address="2001:db8::1")
            except (Unauthenticated, RateLimited) as error:
                outcomes.append(error.code)
    assert outcomes == (["UNAUTHENTICATED"] * 5 + ["RATE_LIMITED"]) * 2

"""Second factors: adding one, signing in with it, and losing it."""

import base64
from datetime import UTC, datetime
from typing import Any

import pytest

from auth.challenges import LIFETIME_SECONDS
from auth.sign_in import PasswordSignIn
from domain.actor import Actor
from domain.email_address import email_key
from domain.errors import RateLimited, Unauthenticated
from domain.factor import FactorKind, hash_recovery_code
from domain.sign_in import FactorRequired, SignedIn
from domain.totp import code_at, step_at
from resolvers import ids
from tests.support.app import App
from tests.support.graph_actions import mutation_text, table_states
from tests.support.row_locks import calls_blocked_on_row
from tests.support.sign_in import PASSWORD, SIGN_IN, actor_of, refresh, register, sessions_of, unused_email

START = (
    "mutation ($input: FactorStartInput!) { factorStart(input: $input) { factor { id kind label } secret errors { code path } } }"
)
CONFIRM = "mutation ($input: FactorConfirmInput!) { factorConfirm(input: $input) { factor { id lastUsedAt } secret errors { code path message } } }"
ACCOUNT = "{ viewer { account { factors { id kind label } recoveryCodesLeft } } }"


class Device:
    """An authenticator app, with a clock that may be one step ahead."""

    def __init__(self, secret: bytes) -> None:
        self.secret = secret
        self.offset = -1

    def code(self) -> str:
        """A code that was not shown yet: of the present step, then of the next. Both are good for half a minute and more."""
        self.offset += 1
        assert self.offset <= 1, "a test has no more codes than two in a row"
        return code_at(self.secret, step_at(datetime.now(UTC)) + self.offset)


async def run_as(app: App, actor: Actor, text: str, **variables: Any) -> Any:
    """The data of an answer without errors."""
    answer = await app.execute(None, text, actor=actor, **variables)
    assert "errors" not in answer, answer
    return answer["data"]


async def errors_of(app: App, actor: Actor | None, name: str, **fields: Any) -> list[tuple[str, Any]]:
    """The codes and paths of a mutation's errors."""
    answer = await app.execute(None, mutation_text(name), actor=actor, input=fields)
    assert "errors" not in answer, answer
    return [(each["code"], each["path"]) for each in answer["data"][name]["errors"]]


async def sign_in(app: App, email: str, **fields: Any) -> Any:
    """The payload of signing in."""
    return (await app.run(None, SIGN_IN, input={"email": email, "password": PASSWORD} | fields))["sessionCreate"]


async def codes_of(app: App, email: str, **fields: Any) -> list[str]:
    """The codes of the errors of signing in."""
    return [each["code"] for each in (await sign_in(app, email, **fields))["errors"]]


async def start(app: App, actor: Actor, **fields: Any) -> tuple[str, Device]:
    """A factor that was begun, and its app."""
    payload = (await run_as(app, actor, START, input={"kind": "TOTP"} | fields))["factorStart"]
    assert payload["errors"] == []
    return payload["factor"]["id"], Device(base64.b32decode(payload["secret"]["secret"]))


async def protected(app: App) -> tuple[str, Actor, Device, list[str]]:
    """Somebody with a second factor: address, session, app and recovery codes."""
    email = unused_email()
    actor = await actor_of(app, await register(app, email=email))
    factor_id, device = await start(app, actor)
    payload = (await run_as(app, actor, CONFIRM, input={"id": factor_id, "code": device.code()}))["factorConfirm"]
    assert payload["errors"] == []
    await app.sql.execute("UPDATE factors SET last_step = 0 WHERE user_id = $1", actor.user_id)  # as if it were long ago
    return email, actor, Device(device.secret), payload["secret"]["recoveryCodes"]


async def test_a_factor_counts_once_it_is_confirmed_and_ends_other_sessions(app: App) -> None:
    email = unused_email()
    elsewhere = await register(app, email=email)
    actor = await actor_of(app, await sign_in(app, email))
    factor_id, device = await start(app, actor, label="  Phone ")
    assert await codes_of(app, email) == []
    assert (await run_as(app, actor, ACCOUNT))["viewer"]["account"] == {"factors": [], "recoveryCodesLeft": 0}
    payload = (await run_as(app, actor, CONFIRM, input={"id": factor_id, "code": device.code()}))["factorConfirm"]
    assert payload["errors"] == []
    assert len(set(payload["secret"]["recoveryCodes"])) == 10
    seen = (await run_as(app, actor, ACCOUNT))["viewer"]["account"]
    assert seen == {"factors": [{"id": factor_id, "kind": "TOTP", "label": "Phone"}], "recoveryCodesLeft": 10}
    assert (await refresh(app, elsewhere["tokens"]["refreshToken"]))["errors"][0]["code"] == "UNAUTHENTICATED"
    assert [each["isCurrent"] for each in await sessions_of(app, actor)] == [True]


async def test_with_a_factor_a_password_alone_opens_no_session(app: App) -> None:
    email, _, device, _ = await protected(app)
    before = await table_states(app)
    payload = await sign_in(app, email)
    assert [(each["code"], each["path"]) for each in payload["errors"]] == [("SECOND_FACTOR_REQUIRED", ["input", "code"])]
    assert (payload["tokens"], payload["user"]) == (None, None)
    assert await codes_of(app, email, password="wrong horse battery") == ["UNAUTHENTICATED"]
    assert await codes_of(app, email, password="wrong horse battery", code=Device(device.secret).code()) == ["UNAUTHENTICATED"]
    for wrong in ("", "000000", "abcdef", "x" * 1000):
        assert await codes_of(app, email, code=wrong) == ["UNAUTHENTICATED"]
    assert await table_states(app) == before
    assert await codes_of(app, email, code=device.code()) == []


async def test_a_code_opens_one_session_even_for_two_at_once(app: App) -> None:
    email, actor, device, _ = await protected(app)
    code = device.code()
    async with calls_blocked_on_row(app, "users", actor.user_id) as line:
        for _ in range(3):
            line.start(codes_of(app, email, code=code))
    assert sorted(line.results) == [[], ["UNAUTHENTICATED"], ["UNAUTHENTICATED"]]
    assert await codes_of(app, email, code=code) == ["UNAUTHENTICATED"]


async def test_the_code_that_confirmed_a_factor_signs_nobody_in(app: App) -> None:
    email = unused_email()
    actor = await actor_of(app, await register(app, email=email))
    factor_id, device = await start(app, actor)
    code = device.code()
    assert await errors_of(app, actor, "factorConfirm", id=factor_id, code=code) == []
    assert await codes_of(app, email, code=code) == ["UNAUTHENTICATED"]


async def test_a_recovery_code_is_good_once_however_it_is_written(app: App) -> None:
    email, actor, _, codes = await protected(app)
    assert await codes_of(app, email, code=f" {codes[0].lower().replace('-', ' ')} ") == []
    assert await codes_of(app, email, code=codes[0]) == ["UNAUTHENTICATED"]
    async with calls_blocked_on_row(app, "users", actor.user_id) as line:
        for _ in range(2):
            line.start(codes_of(app, email, code=codes[1]))
    assert sorted(line.results) == [[], ["UNAUTHENTICATED"]]
    assert (await run_as(app, actor, ACCOUNT))["viewer"]["account"]["recoveryCodesLeft"] == 8


async def test_new_recovery_codes_replace_the_earlier_ones(app: App) -> None:
    email, actor, _, codes = await protected(app)
    payload = (await run_as(app, actor, START, input={"kind": "RECOVERY_CODE"}))["factorStart"]
    assert (payload["errors"], payload["factor"]) == ([], None)
    assert await codes_of(app, email, code=codes[0]) == ["UNAUTHENTICATED"]
    assert await codes_of(app, email, code=payload["secret"]["recoveryCodes"][9]) == []


async def test_recovery_codes_alone_are_no_factor(app: App) -> None:
    actor = await actor_of(app, await register(app))
    assert await errors_of(app, actor, "factorStart", kind="RECOVERY_CODE") == [("FORBIDDEN", None)]


async def test_removing_the_last_factor_takes_the_recovery_codes_with_it(app: App) -> None:
    email, actor, device, codes = await protected(app)
    (factor,) = (await run_as(app, actor, ACCOUNT))["viewer"]["account"]["factors"]
    second, other = await start(app, actor)
    assert await errors_of(app, actor, "factorConfirm", id=second, code=other.code()) == []
    assert await errors_of(app, actor, "factorRemove", id=factor["id"]) == []
    assert await codes_of(app, email, code=device.code()) == ["UNAUTHENTICATED"]
    assert await codes_of(app, email, code=codes[0]) == []
    assert await errors_of(app, actor, "factorRemove", id=second) == []
    assert (await run_as(app, actor, ACCOUNT))["viewer"]["account"] == {"factors": [], "recoveryCodesLeft": 0}
    assert await codes_of(app, email) == []


@pytest.mark.parametrize("name", ["factorStart", "factorConfirm", "factorRemove"])
async def test_factors_are_changed_by_whoever_has_just_signed_in_with_password_and_code(app: App, name: str) -> None:
    _, actor, device, _ = await protected(app)
    (factor,) = (await run_as(app, actor, ACCOUNT))["viewer"]["account"]["factors"]
    await app.sql.execute("UPDATE sessions SET authenticated_at = now() - interval '10 min' WHERE id = $1", actor.session_id)
    before = await table_states(app)
    given = {
        "factorStart": {"kind": "TOTP"},
        "factorConfirm": {"id": factor["id"], "code": "1"},
        "factorRemove": {"id": factor["id"]},
    }
    assert await errors_of(app, actor, name, **given[name]) == [("REAUTHENTICATION_REQUIRED", None)]
    assert await errors_of(app, actor, "sessionReauthenticate", password=PASSWORD) == [
        ("SECOND_FACTOR_REQUIRED", ["input", "code"])
    ]
    assert await table_states(app) == before
    assert await errors_of(app, actor, "sessionReauthenticate", password=PASSWORD, code=device.code()) == []
    assert await errors_of(app, actor, "factorRemove", id=factor["id"]) == []


async def test_a_factor_of_somebody_else_is_not_there(app: App) -> None:
    _, owner, device, _ = await protected(app)
    (factor,) = (await run_as(app, owner, ACCOUNT))["viewer"]["account"]["factors"]
    stranger = await actor_of(app, await register(app))
    begun, _ = await start(app, owner)
    before = await table_states(app)
    assert await errors_of(app, stranger, "factorRemove", id=factor["id"]) == [("NOT_FOUND", ["input", "id"])]
    assert await errors_of(app, stranger, "factorConfirm", id=begun, code=device.code()) == [("NOT_FOUND", ["input", "id"])]
    node = "query ($id: ID!) { node(id: $id) { id } }"
    assert (await run_as(app, stranger, node, id=factor["id"]))["node"] is None
    assert (await run_as(app, owner, node, id=factor["id"]))["node"] == {"id": factor["id"]}
    assert await table_states(app) == before


async def test_a_wrong_code_an_hour_and_another_beginning_confirm_nothing(app: App) -> None:
    actor = await actor_of(app, await register(app))
    first, first_device = await start(app, actor)
    assert await errors_of(app, actor, "factorConfirm", id=first, code="000000") == [("INVALID", ["input", "code"])]
    await app.sql.execute("UPDATE factors SET created_at = now() - interval '1 hour' WHERE user_id = $1", actor.user_id)
    assert await errors_of(app, actor, "factorConfirm", id=first, code=first_device.code()) == [("NOT_FOUND", ["input", "id"])]
    second, device = await start(app, actor)
    assert await errors_of(app, actor, "factorConfirm", id=first, code=first_device.code()) == [("NOT_FOUND", ["input", "id"])]
    assert await errors_of(app, actor, "factorConfirm", id=second, code=device.code()) == []


async def test_secrets_are_stored_encrypted_and_only_for_their_owner(app: App) -> None:
    _, actor, device, codes = await protected(app)
    row = await app.sql.fetchrow("SELECT * FROM factors WHERE user_id = $1", actor.user_id)
    assert row is not None
    for form in (base64.b32encode(device.secret).decode(), device.secret.hex(), base64.b64encode(device.secret).decode()):
        assert form not in str(dict(row))
    stored = {each[0] for each in await app.sql.fetch("SELECT code_hash FROM recovery_codes WHERE user_id = $1", actor.user_id)}
    assert stored == {hash_recovery_code(code) for code in codes}
    email, other, other_device, _ = await protected(app)
    await app.sql.execute("UPDATE factors SET encrypted_secret = $2 WHERE user_id = $1", other.user_id, row["encrypted_secret"])
    assert await codes_of(app, email, code=device.code()) == ["UNAUTHENTICATED"]
    assert await codes_of(app, email, code=other_device.code()) == ["UNAUTHENTICATED"]


async def test_a_new_password_by_mail_leaves_the_factor(app: App) -> None:
    email, _, device, _ = await protected(app)
    ask = "mutation ($input: PasswordResetRequestInput!) { passwordResetRequest(input: $input) { developmentLinks } }"
    (link,) = (await app.run(None, ask, input={"email": email}))["passwordResetRequest"]["developmentLinks"]
    new = "a battery of horses"
    assert await errors_of(app, None, "passwordReset", token=link.partition("token=")[2], newPassword=new) == []
    assert await codes_of(app, email, password=new) == ["SECOND_FACTOR_REQUIRED"]
    assert await codes_of(app, email, password=new, code=device.code()) == []


async def test_a_million_codes_cannot_be_tried(isolated_app: App) -> None:
    email, _, _, _ = await protected(isolated_app)
    service = isolated_app.resources.services.sign_in
    assert isinstance(service, PasswordSignIn)
    outcomes = []
    for number in range(12):
        await service._limiter.reset(*service._tries(email_key(email), None))  # else five a minute would come first
        try:
            await service.with_password(email, PASSWORD, factor=f"00000{number % 10}", address=None)
        except (Unauthenticated, RateLimited) as error:
            outcomes.append(error.code)
    assert outcomes == ["UNAUTHENTICATED"] * 10 + ["RATE_LIMITED"] * 2


# ── by a page, in two requests ────────────────────────────────────────────────────────────────────────────────────────


async def test_a_challenge_goes_on_without_the_password(app: App) -> None:
    email, actor, device, _ = await protected(app)
    service = app.resources.services.sign_in
    asked = await service.with_password(email, PASSWORD, address=None)
    assert isinstance(asked, FactorRequired)
    assert list(asked.kinds) == [FactorKind.TOTP, FactorKind.RECOVERY_CODE]
    signed_in = await service.with_factor(asked.challenge, device.code(), address=None)
    assert isinstance(signed_in, SignedIn)
    assert signed_in.user.id == actor.user_id


async def test_a_challenge_that_was_forged_is_old_or_of_another_password_is_refused(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    email, actor, device, _ = await protected(app)
    other_email, _, _, _ = await protected(app)
    service = app.resources.services.sign_in
    asked, other = [await service.with_password(each, PASSWORD, address=None) for each in (email, other_email)]
    assert isinstance(asked, FactorRequired)
    assert isinstance(other, FactorRequired)
    decoded = base64.urlsafe_b64decode(asked.challenge)
    forged = base64.urlsafe_b64encode(decoded[:24] + bytes(32)).decode()
    moved = base64.urlsafe_b64encode(base64.urlsafe_b64decode(other.challenge)[:24] + decoded[24:]).decode()
    code = device.code()
    for wrong in ("", "é", "AAAA", forged, moved, asked.challenge[:-4]):
        with pytest.raises(Unauthenticated):
            await service.with_factor(wrong, code, address=None)
    with monkeypatch.context() as patched:
        now = datetime.now(UTC).timestamp()
        patched.setattr("auth.challenges.time.time", lambda: now + LIFETIME_SECONDS + 1)
        with pytest.raises(Unauthenticated):
            await service.with_factor(asked.challenge, code, address=None)
    assert await errors_of(app, actor, "passwordChange", newPassword="a battery of horses") == []
    with pytest.raises(Unauthenticated):
        await service.with_factor(asked.challenge, code, address=None)


async def test_ones_other_devices_learn_of_a_factor_that_was_added_or_removed(app: App) -> None:
    actor = await actor_of(app, await register(app))
    changes = "query ($after: SyncCursor) { changes(after: $after) { cursor nodes { kind type entityId entity { id } subject { id } } } }"
    cursor = (await run_as(app, actor, changes, after=None))["changes"]["cursor"]
    factor_id, device = await start(app, actor)
    assert await errors_of(app, actor, "factorConfirm", id=factor_id, code=device.code()) == []
    page = (await run_as(app, actor, changes, after=cursor))["changes"]
    added = {"kind": "CREATED", "type": "Factor", "entityId": factor_id, "entity": None, "subject": {"id": factor_id}}
    assert page["nodes"] == [added]
    assert await errors_of(app, actor, "factorRemove", id=factor_id) == []
    gone = (await run_as(app, actor, changes, after=page["cursor"]))["changes"]["nodes"]
    assert gone == [added | {"kind": "DELETED", "subject": None}]


async def test_a_closed_account_leaves_no_secret_behind(app: App) -> None:
    email, actor, _, _ = await protected(app)
    ask = "mutation ($input: PasswordResetRequestInput!) { passwordResetRequest(input: $input) { developmentLinks } }"
    await app.run(None, ask, input={"email": email})
    assert await errors_of(app, actor, "userDelete", id=ids.encode("User", actor.user_id)) == []
    for table in ("factors", "recovery_codes", "account_tokens"):
        assert await app.sql.fetchval(f"SELECT count(*) FROM {table} WHERE user_id = $1", actor.user_id) == 0

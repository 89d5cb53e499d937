"""How often one may try to sign in or register, through the graph."""

from typing import Any

import pytest

from domain.session import Device
from gateway.execution.executor import OperationRequest
from resolvers.context import Context
from tests.support.app import App
from tests.support.graph_actions import table_states
from tests.support.sign_in import PASSWORD, REGISTER, SIGN_IN, unused_email

WRONG = "wrong horse battery"


async def attempt(app: App, email: str, password: str = WRONG, *, address: str = "203.0.113.1") -> str:
    """What comes of one try to sign in: a code of the payload, of the answer, or SIGNED_IN."""
    request = OperationRequest(query=SIGN_IN, variables={"input": {"email": email, "password": password}})
    answer = await app.executor.execute(request, Context(app.resources.services, None, Device(ip_address=address)))
    return code_of(answer.to_payload(), "sessionCreate")


async def register_from(app: App, address: str, **fields: Any) -> str:
    """What comes of registering from a network address."""
    account = {"email": unused_email(), "password": PASSWORD, "firstName": "Ada", "lastName": "Lovelace"} | fields
    request = OperationRequest(query=REGISTER, variables={"input": account})
    answer = await app.executor.execute(request, Context(app.resources.services, None, Device(ip_address=address)))
    return code_of(answer.to_payload(), "userRegister")


def code_of(answer: Any, name: str) -> str:
    """The code of an answer, after its form was checked."""
    if "errors" not in answer:
        codes = [each["code"] for each in answer["data"][name]["errors"]]
        return str(codes[0]) if codes else "SIGNED_IN"
    (error,) = answer["errors"]
    assert answer["data"] == {name: None}
    if error["extensions"]["code"] == "RATE_LIMITED":
        assert set(error["extensions"]) == {"code", "retryAfter", "retryable"}
        assert 1 <= error["extensions"]["retryAfter"] <= 3600
    return str(error["extensions"]["code"])


async def test_the_sixth_try_in_a_minute_is_refused_for_known_and_unknown_accounts_alike(isolated_app: App) -> None:
    email = unused_email()
    await register_from(isolated_app, "198.51.100.1", email=email)
    before = await table_states(isolated_app)
    expected = ["UNAUTHENTICATED"] * 5 + ["RATE_LIMITED"] * 2
    assert [await attempt(isolated_app, email, address=f"203.0.113.{nr}") for nr in range(7)] == expected
    assert [await attempt(isolated_app, unused_email_of(0), address=f"203.0.113.{nr + 9}") for nr in range(7)] == expected
    assert await attempt(isolated_app, email.upper(), PASSWORD, address="203.0.113.99") == "RATE_LIMITED"
    assert await table_states(isolated_app) == before


def unused_email_of(number: int) -> str:
    """One address that nobody has, written the same each time."""
    return f"nobody-{number}@example.com"


async def test_who_signs_in_begins_anew(isolated_app: App) -> None:
    email = unused_email()
    await register_from(isolated_app, "198.51.100.1", email=email)
    tries = [WRONG] * 4 + [PASSWORD] + [WRONG] * 4 + [PASSWORD]
    outcomes = [await attempt(isolated_app, email, each) for each in tries]
    assert outcomes == (["UNAUTHENTICATED"] * 4 + ["SIGNED_IN"]) * 2


async def test_the_twenty_first_try_from_an_address_is_refused_whatever_the_account(isolated_app: App) -> None:
    email = unused_email()
    await register_from(isolated_app, "198.51.100.1", email=email)
    outcomes = [await attempt(isolated_app, unused_email_of(nr)) for nr in range(21)]
    assert outcomes == ["UNAUTHENTICATED"] * 20 + ["RATE_LIMITED"]
    assert await attempt(isolated_app, email, PASSWORD) == "RATE_LIMITED"
    assert await attempt(isolated_app, email, PASSWORD, address="203.0.113.2") == "SIGNED_IN"


async def test_an_office_behind_one_address_signs_in(isolated_app: App) -> None:
    email = unused_email()
    await register_from(isolated_app, "198.51.100.1", email=email)
    assert [await attempt(isolated_app, email, PASSWORD) for _ in range(25)] == ["SIGNED_IN"] * 25


@pytest.mark.slow
async def test_the_hundred_and_first_registration_of_an_hour_from_an_address_is_refused(isolated_app: App) -> None:
    outcomes = [await register_from(isolated_app, f"2001:db8::{nr + 1:x}") for nr in range(101)]
    assert outcomes == ["SIGNED_IN"] * 100 + ["RATE_LIMITED"]
    assert await isolated_app.sql.fetchval("SELECT count(*) FROM users") == 100
    assert await register_from(isolated_app, "2001:db8:0:1::1") == "SIGNED_IN"


async def test_a_registration_that_is_wrong_is_not_counted(isolated_app: App) -> None:
    for _ in range(101):
        assert await register_from(isolated_app, "203.0.113.1", password="short") == "INVALID"
    assert await register_from(isolated_app, "203.0.113.1") == "SIGNED_IN"

"""Says which accounts an operation is charged to: a person's, an app's and its team's, or a network's.

All tokens of a person share one account, whichever app holds them, so that nobody gains by having several. An app that acts for
itself has an account, and the apps of a team share one beside. Strangers share one by address (of IPv6: by network of 64 bits);
so do those who have a share link, beside one of the link.
"""

from collections.abc import Sequence
from typing import Final

from app.settings import Settings
from auth.tokens import Credentials
from domain.cost_limit import CostAccount, CostLimit
from domain.rate_limit import network_of

_READERS_OF_A_LINK: Final = 10
"""How many times a person's limit all who have one share link have together."""
_APPS_OF_A_TEAM: Final = 10
"""How many times an app's limit the apps of a team have together."""


class CostAccounts:
    """The limits of a deployment."""

    def __init__(self, settings: Settings) -> None:
        def limit(name: str, times: int = 1) -> CostLimit:
            return CostLimit(name=name, burst=times * settings.cost_burst, per_hour=times * settings.cost_per_hour)

        self._person, self._app, self._address = limit("person"), limit("app"), limit("address")
        self._team = limit("team", _APPS_OF_A_TEAM)
        self._link = limit("link", _READERS_OF_A_LINK)

    def of(self, credentials: Credentials | None, address: str | None) -> Sequence[CostAccount]:
        """The accounts of whoever sends an operation."""
        if credentials is None:
            return (CostAccount(self._address, network_of(address)),)
        actor = credentials.actor
        if actor.shared is not None:
            return CostAccount(self._link, str(actor.principal_id)), CostAccount(self._address, network_of(address))
        if not actor.is_app:
            return (CostAccount(self._person, str(actor.user_id)),)
        app = CostAccount(self._app, str(actor.user_id))
        return (app,) if credentials.team_id is None else (app, CostAccount(self._team, credentials.team_id))

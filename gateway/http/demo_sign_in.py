"""Somebody of the demo, as whom pages of the server offer to sign in; never outside development mode."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoSignIn:
    """A person with their password."""

    name: str
    email: str
    password: str

    def as_json(self) -> dict[str, str]:
        """For the configuration of a page."""
        return {"name": self.name, "email": self.email, "password": self.password}

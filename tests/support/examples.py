"""How many examples a law is tried on: few in `make test`, many in `make fuzz`."""

from typing import Any

from hypothesis import settings

PROFILE = "fuzz"
settings.register_profile(PROFILE)


def examples(few: int, *, many: int, like: settings | None = None, **options: Any) -> settings:
    """Settings of a law; `make fuzz` runs pytest with `--hypothesis-profile fuzz`."""
    count = many if settings.get_current_profile_name() == PROFILE else few
    return settings(like, max_examples=count, deadline=None, **options)

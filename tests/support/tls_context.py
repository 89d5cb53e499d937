"""Lets all HTTP clients of tests share what they know of certificates: a pytest plugin.

httpx reads the 150 authorities that it trusts for each client: 45 ms of the processor, where most clients of tests talk plain HTTP to
this machine.
"""

from functools import cache

import httpx._transports.default


def pytest_configure() -> None:
    """Called by pytest at its start."""
    names = vars(httpx._transports.default)
    names["create_ssl_context"] = cache(names["create_ssl_context"])

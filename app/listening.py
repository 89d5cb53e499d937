"""Takes the addresses that a server listens on, and says in words for operators why one cannot be taken."""

import errno
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from app.service_database import CannotStart


@contextmanager
def bind_socket(host: str, port: int, *, shared: bool = False) -> Iterator[socket.socket]:
    """A socket that holds the address before anything else is opened; it does not listen yet. `shared`: others may listen there
    too."""
    with open_socket(host) as listener:
        if shared:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        with address_errors(host, port):
            listener.bind((host, port))
        yield listener


def open_socket(host: str) -> socket.socket:
    """A socket for an address of this host, whose port can be taken again at once."""
    opened = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return opened


@contextmanager
def address_errors(host: str, port: int) -> Iterator[None]:
    """Raises CannotStart, with words for operators, where an address cannot be taken."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            message = f"Port {port} of {host} is in use: stop what listens there, or choose another with HIVE_PORT."
        else:
            message = f"Port {port} of {host} cannot be used: {error.strerror}."
        raise CannotStart(message) from error

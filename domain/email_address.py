"""Reads e-mail addresses so that one address is one, however it is written.

Stored is what people read: width and Unicode form made one (NFKC), the host in lower case and in letters (`bücher.example`, also
where `xn--bcher-kva.example` was given). Compared is `email_key`: the local part folded (`domain.collation`), the host as
IDNA2008 knows it, so that each form of a host has one ASCII form (`ascii_host`, for DNS and SMTP) and the other way round.

By the standard library alone: its own codec `idna` is IDNA2003, which takes straße.de for strasse.de, another domain. Of IDNA2008
this has Punycode, the mapping to lower case and what a label may be made of; not the rules for the context of single
characters, which registries watch over.
"""

import re
import unicodedata

from domain.collation import SEPARATOR, fold, is_blank, search_key, visible
from domain.errors import Invalid, Path, TooLong
from domain.normalization import normalize

MAX_ADDRESS_CHARS = 254
_MAX_LABEL_CHARS = 63
_ADDRESS = re.compile(r"[^@\s\x00-\x1f\x7f-\x9f<>()\[\],;:\\\"]+@[^@\s<>()\[\],;:\\\"]+\.[^@\s<>()\[\],;:\\\".]+")
_DOTS = re.compile("[.\u3002\uff61]")  # NFKC makes the wide one a dot
_ASCII_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?")
_PREFIX = "xn--"


def validate_email(value: str, path: Path) -> str:
    """A plausible address as it is stored; whether it exists shows only when a message arrives. Raises Invalid and TooLong."""
    if len(value) > 2 * MAX_ADDRESS_CHARS:
        raise TooLong(path, MAX_ADDRESS_CHARS)
    try:
        address = _read(value)
    except ValueError as error:
        raise Invalid(path, "This is not an e-mail address.") from error
    if len(address) > MAX_ADDRESS_CHARS or len(ascii_form(address)) > MAX_ADDRESS_CHARS:
        raise TooLong(path, MAX_ADDRESS_CHARS)
    return address


def email_key(address: str) -> str:
    """
    What an address is found and compared by, as it is given or stored; what is no address is only folded.

    It begins with the search key, as collation keys of names do, so that a part of an address is found in it.
    """
    try:
        local, _, host = _read(address).rpartition("@")
        exact = f"{fold(local)}@{host}"
    except ValueError:
        exact = fold(address)
    searched = search_key(exact)
    return searched if searched == exact else f"{searched}{SEPARATOR}{exact}"


def ascii_form(address: str) -> str:
    """A stored address with its host as DNS and SMTP know it."""
    local, _, host = address.rpartition("@")
    return f"{local}@{ascii_host(host)}"


def ascii_host(host: str) -> str:
    """A host in letters in the form of IDNA's A-labels."""
    return ".".join(label if label.isascii() else _PREFIX + label.encode("punycode").decode("ascii") for label in host.split("."))


def _read(value: str) -> str:
    """The stored form; ValueError for what is no address."""
    if visible(value) != normalize("NFC", value.strip()):
        raise ValueError("characters that cannot be seen")
    local, at, host = normalize("NFKC", value.strip()).rpartition("@")
    host = ".".join(map(_label, _DOTS.split(host)))
    address = f"{local}{at}{host}"
    if not _ADDRESS.fullmatch(address) or is_blank(local):
        raise ValueError("not of the form local@host.tld")
    return address


def _label(label: str) -> str:
    """One label of a host, in letters."""
    mapped = _lower(label)
    if mapped.startswith(_PREFIX):
        decoded = mapped[len(_PREFIX) :].encode("ascii").decode("punycode")
        if decoded.isascii() or _lower(decoded) != decoded or decoded.encode("punycode").decode() != mapped[len(_PREFIX) :]:
            raise ValueError("an A-label that no U-label has")
        mapped = decoded
    if mapped.isascii():
        if not _ASCII_LABEL.fullmatch(mapped) or len(mapped) > _MAX_LABEL_CHARS:
            raise ValueError("not a label")
    elif not _may_be_label(mapped) or len(ascii_host(mapped)) > _MAX_LABEL_CHARS:
        raise ValueError("not a label")
    return mapped


def _lower(label: str) -> str:
    """UTS #46's mapping, which keeps `ß` and `ς`. Letter by letter: a capital sigma at the end is no final one."""
    return normalize("NFKC", "".join(map(str.lower, normalize("NFKC", label))))


def _may_be_label(label: str) -> bool:
    """Letters, marks, digits and symbols such as emoji, not beginning with a mark; hyphens inside."""
    if label[0] == "-" or label[-1] == "-" or unicodedata.category(label[0])[0] == "M" or visible(label) != label:
        return False
    return all(
        character in "-_" or (character.isalnum() if character.isascii() else unicodedata.category(character)[0] in "LMNS")
        for character in label
    )

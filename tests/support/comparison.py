"""What of two answers to the same operation must be the same."""

import re

import orjson

_ERROR_ID_PATTERN = re.compile(rb',?"errorId":"[^"]*"')
_SIGNATURE_PATTERN = re.compile(rb"(expires|signature)=[^&\"]+")


def normalize(response: bytes) -> bytes:
    """An answer without what no two runs share: the ids of masked errors, the order in which concurrent fields failed, and until
    when an address is good.
    """
    read = orjson.loads(_SIGNATURE_PATTERN.sub(rb"\1=", _ERROR_ID_PATTERN.sub(b"", response)))
    if "errors" in read:
        read["errors"].sort(key=orjson.dumps)
    return orjson.dumps(read)


def normalize_lost_data(response: bytes) -> bytes:
    """
    An answer of graphql-core's with where its data was lost instead of its errors, for comparing two of its own.

    Where several fields below one null fail, only the error that came first is reported, and the same operation may report another
    twice (2 of 30 times for one that was found here): the specification asks for one of them only.
    """
    read = orjson.loads(_SIGNATURE_PATTERN.sub(rb"\1=", response))
    if read.get("data") is None:
        return normalize(response)
    places = set()
    for error in read.pop("errors", ()):
        value, reached = read["data"], 0
        for reached, step in enumerate(error["path"], 1):  # noqa: B007 (read below)
            value = value[step]
            if value is None:
                break
        places.add((*map(str, error["path"][:reached]), error["extensions"]["code"] if reached == len(error["path"]) else ""))
    return orjson.dumps([read, sorted(places)])

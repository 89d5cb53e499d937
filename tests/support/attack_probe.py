"""Times another user's requests while a server is attacked: run as a program, so that it does not wait for the attacker's
threads.

It is given a port, a method, a path, a token or "" and a body or "", and asks every 10 ms until its standard input can be read.
Then it prints JSON: milliseconds of each answer, and those that were no good one.
"""

import json
import select
import sys
import time
from http.client import HTTPConnection, HTTPException


def main(port: str, method: str, path: str, token: str, body: str) -> None:
    headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {token}"} if token else {})
    connection = HTTPConnection("127.0.0.1", int(port), timeout=30)
    took_ms: list[float] = []
    failures: list[str] = []
    while not select.select([sys.stdin], [], [], 0.01)[0]:
        began = time.perf_counter()
        try:
            connection.request(method, path, body or None, headers)
            response = connection.getresponse()
            answer = response.read()
            if response.status != 200 or b'"errors"' in answer:
                failures.append(f"{response.status} {answer[:200]!r}")
        except (OSError, HTTPException) as error:
            failures.append(repr(error))
            connection.close()
        took_ms.append((time.perf_counter() - began) * 1000)
    sys.stdout.write(json.dumps({"took_ms": took_ms, "failures": failures}))


if __name__ == "__main__":
    main(*sys.argv[1:])

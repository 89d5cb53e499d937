"""Times somebody's queries in a process of its own: one every so many milliseconds, whether the one before was answered or not.

Prints a line when it begins, and then a JSON list of [when a query was due (monotonic clock), seconds until its answer].
"""

import json
import socket
import sys
import threading
import time

_PAUSE_SECONDS = 0.02


def main(port: int, authorization: str, query: str, seconds: float) -> None:
    """Ask for so many seconds."""
    body = json.dumps({"query": query}).encode()
    head = f"POST /graphql HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    request = f"{head}Authorization: {authorization}\r\n\r\n".encode() + body
    times: list[tuple[float, float]] = []
    connections = [socket.create_connection(("127.0.0.1", port)) for _ in range(8)]
    idle = list(connections)
    print("begun", flush=True)

    def ask(due: float, connection: socket.socket) -> None:
        connection.sendall(request)
        received = b""
        while b'"displayName"' not in received:
            chunk = connection.recv(65536)
            assert chunk, received
            assert b'"errors"' not in chunk, chunk
            received += chunk
        times.append((due, time.monotonic() - due))
        idle.append(connection)

    begun = time.monotonic()
    waiting: list[threading.Thread] = []
    for number in range(int(seconds / _PAUSE_SECONDS)):
        due = begun + number * _PAUSE_SECONDS
        time.sleep(max(0.0, due - time.monotonic()))
        while not idle:  # the query is late then, and its time counts from when it was due
            time.sleep(0.001)
        waiting.append(threading.Thread(target=ask, args=(due, idle.pop())))
        waiting[-1].start()
    for thread in waiting:
        thread.join()
    print(json.dumps(times))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3], float(sys.argv[4]))

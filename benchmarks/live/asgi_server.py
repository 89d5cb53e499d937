"""The server as it is, except that websockets stay with uvicorn: what taking over the transport saves."""

import sys

import app.serving
import server

if __name__ == "__main__":
    taken_over = app.serving._config  # noqa: SLF001

    def config(app: object, settings: object) -> object:
        made = taken_over(app, settings)  # type: ignore[arg-type]
        made.ws = "websockets-sansio"
        return made

    app.serving._config = config  # type: ignore[assignment]  # noqa: SLF001
    sys.exit(server.main(["api"]))

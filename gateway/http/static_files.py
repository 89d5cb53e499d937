"""Serves the files of a page's build: names have a hash, so browsers need not ask again; stored gzipped where that helps."""

import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from mimetypes import guess_type
from pathlib import Path
from types import MappingProxyType

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from gateway.http.compression import accepts_gzip

# What builds are made of; not left to the machine's own table, which may know none of them.
MEDIA_TYPES = MappingProxyType(
    {
        ".css": "text/css; charset=utf-8",
        ".js": "text/javascript; charset=utf-8",
        ".md": "text/markdown; charset=utf-8",
        ".svg": "image/svg+xml",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    path: Path
    media_type: str
    gzipped: bool


def static_files_route(path: str, folder: Path, *, name: str) -> Route:
    """The files of a folder under `{path}/{name}`; a file `x.gz` is served as `x`."""
    files = _files(folder)

    def respond(request: Request) -> Response:
        found = files.get(request.path_params["name"])
        if found is None:
            raise HTTPException(404)
        return _file_response(found, gzip_accepted=accepts_gzip(request.headers.get("accept-encoding", "")))

    return Route(f"{path}/{{name}}", respond, name=name)


def _files(folder: Path) -> Mapping[str, _File]:
    """The files by the name they are asked for: listed once, so that no name leads out of the folder."""
    files = {}
    for path in folder.iterdir():
        name = path.name.removesuffix(".gz")
        media_type = MEDIA_TYPES.get(Path(name).suffix) or guess_type(name)[0] or "application/octet-stream"
        files[name] = _File(path=path, media_type=media_type, gzipped=path.suffix == ".gz")
    return files


def _file_response(file: _File, *, gzip_accepted: bool) -> Response:
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
    if not file.gzipped:
        return FileResponse(file.path, media_type=file.media_type, headers=headers)
    headers["Vary"] = "Accept-Encoding"
    if gzip_accepted:
        headers["Content-Encoding"] = "gzip"
        return FileResponse(file.path, media_type=file.media_type, headers=headers)
    return Response(gzip.decompress(file.path.read_bytes()), media_type=file.media_type, headers=headers)

"""Serves the files of jobs: `GET /jobs/{id}/{index}` with a signature redirects to the file, as long as its owner may have it.

The signature says which file and until when; whether the person may still see everything in it is checked at each download, with
the rights of that moment. The answer is a redirect to the blob store, whose URL holds for a minute: the bytes do not pass here
where the store is a bucket. All refusals of a signed URL are the same.
"""

from typing import Final
from uuid import UUID

import orjson
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from domain.blob import BlobStore
from domain.errors import Unavailable
from persistence.blobs.signed_urls import UrlSigner
from persistence.engine.database import Database
from persistence.stores import job

JOB_FILES_PATH: Final = "/jobs"
_DOWNLOAD_SECONDS: Final = 60
_HEADERS: Final = {
    "Access-Control-Allow-Origin": "*",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class JobFiles:
    """The route, over open services."""

    def __init__(self, database: Database, blobs: BlobStore, signer: UrlSigner) -> None:
        self._database, self._blobs, self._signer = database, blobs, signer

    def routes(self) -> list[BaseRoute]:
        """The route of all files."""
        return [Route(JOB_FILES_PATH + "/{job_id:uuid}/{index:int}", self._download, methods=["GET"])]

    async def _download(self, request: Request) -> Response:
        job_id: UUID = request.path_params["job_id"]
        index: int = request.path_params["index"]
        if not self._signer.verify("GET", f"{job_id}/{index}", dict(request.query_params)):
            return _error(403, "FORBIDDEN", "This URL is not valid, or has expired.")
        try:
            found = await job.get(self._database, job_id)
            if found is None or index >= len(found.files):
                return _error(404, "NOT_FOUND", "Not found.")
            if job_id not in await job.downloadable(self._database, found.creator_id, [job_id]):
                return _error(404, "NOT_FOUND", "Not found.")
            file = found.files[index]
            url = await self._blobs.download_url(
                file["key"], file_name=file["name"], content_type=file["content_type"], expires_in=_DOWNLOAD_SECONDS
            )
        except Unavailable as error:
            return _error(503, error.code, error.message)
        return RedirectResponse(url, status_code=302, headers=_HEADERS)


def _error(status: int, code: str, message: str) -> Response:
    body = orjson.dumps({"errors": [{"message": message, "extensions": {"code": code}}]})
    return Response(body, status_code=status, media_type="application/json", headers=_HEADERS)

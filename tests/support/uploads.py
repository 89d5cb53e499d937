"""Uploads files as clients do: created in the graph, sent to the address, completed in the graph."""

import base64
import hashlib
from typing import Any

import httpx
from starlette.applications import Starlette

from persistence.blobs.local import LocalBlobs
from persistence.blobs.routes import blob_routes
from tests.support.app import App, Person
from tests.support.graph_actions import mutate

PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
ATTACHMENT_FIELDS = "id fileName contentType byteSize sha256 state uploader { id }"
ATTACHMENT_URL_QUERY = (
    "query ($id: ID!, $seconds: Int) { node(id: $id) { ... on Attachment { state url(expiresIn: $seconds) } } }"
)
UPLOAD_TARGET_FIELDS = "upload { url method headers { name value } expiresAt }"


async def signed_request(app: App, method: str, url: str, **options: Any) -> httpx.Response:
    """A request to an address that the server signed."""
    blobs = app.resources.services.blobs
    assert isinstance(blobs, LocalBlobs)
    transport = httpx.ASGITransport(Starlette(routes=blob_routes(blobs)))
    async with httpx.AsyncClient(transport=transport) as http:
        return await http.request(method, url, **options)


async def create_upload(app: App, person: Person, content: bytes, /, **fields: Any) -> Any:
    """A payload of `uploadCreate` for these bytes."""
    values = {"fileName": "notes.txt", "contentType": "text/plain", "byteSize": len(content)} | fields
    return await mutate(app, person, "uploadCreate", f"attachment {{ {ATTACHMENT_FIELDS} }} {UPLOAD_TARGET_FIELDS}", **values)


async def put_content(app: App, target: Any, content: bytes) -> int:
    """Send bytes to where an upload is expected; the status."""
    headers = {each["name"]: each["value"] for each in target["headers"]}
    return (await signed_request(app, target["method"], target["url"], content=content, headers=headers)).status_code


async def complete_upload(app: App, person: Person, attachment_id: str) -> Any:
    """The payload of `uploadComplete`."""
    return await mutate(app, person, "uploadComplete", f"attachment {{ {ATTACHMENT_FIELDS} }}", id=attachment_id)


async def upload_file(app: App, person: Person, content: bytes = b"Some notes.", /, **fields: Any) -> Any:
    """A file that is ready."""
    made = await create_upload(app, person, content, sha256=hashlib.sha256(content).hexdigest(), **fields)
    assert made["errors"] == []
    assert await put_content(app, made["upload"], content) == 200
    payload = await complete_upload(app, person, made["attachment"]["id"])
    assert payload["errors"] == []
    assert payload["attachment"]["state"] == "READY"
    return payload["attachment"]


async def file_names_on(app: App, person: Person, subject: Any) -> list[str]:
    """The names of the files on a task, document or comment, as somebody sees them."""
    query = """
      query ($id: ID!) { node(id: $id) {
        ... on Discussable { attachments { nodes { fileName } } } ... on Comment { attachments { nodes { fileName } } }
      } }
    """
    found = (await app.run(person, query, id=subject["id"]))["node"]
    return [each["fileName"] for each in found["attachments"]["nodes"]]


async def fetch_file(app: App, person: Person, file: Any) -> Any:
    """A file as a person sees it; None where they may not."""
    return (await app.run(person, "query ($id: ID!) { node(id: $id) { id ... on Attachment { fileName } } }", id=file["id"]))[
        "node"
    ]

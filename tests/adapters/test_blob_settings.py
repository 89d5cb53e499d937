"""Which addresses of a bucket are taken."""

import pytest
from pydantic import ValidationError

from app.settings import Settings


@pytest.mark.parametrize(
    "url",
    ["s3://files", "s3://files/some/prefix?region=eu-west-1", "s3://key:secret@my.files?endpoint=http://127.0.0.1:9000&region=x"],
)
def test_an_address_of_a_bucket_is_taken(url: str) -> None:
    assert Settings(blobs_url=url).blobs_url == url


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("https://files", "must begin with s3://"),
        ("s3://", "must name a bucket: s3://bucket"),
        ("s3://My_Files", "must name a bucket: s3://bucket"),
        ("s3://files?regoin=x", "knows region and endpoint, not regoin"),
        ("s3://files?endpoint=files.example", "must begin with https://"),
    ],
)
def test_what_is_no_address_of_a_bucket_is_refused_at_the_start(url: str, why: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Settings(blobs_url=url)
    assert [each["msg"] for each in refused.value.errors()] == [f"Value error, {why}"]

"""Thumbnails of pictures: which files have them, in which shapes and sizes, and where they are stored.

A requested size is rounded up to one of few, so that a picture has at most as many objects as there are shapes and sizes,
whatever is asked for.
"""

from enum import StrEnum
from typing import Final
from uuid import UUID

from domain.attachment import AVATAR_TYPES

PICTURE_TYPES: Final = AVATAR_TYPES
MAX_PICTURE_BYTES: Final = 32 * 1024 * 1024
MAX_PICTURE_PIXELS: Final = 50_000_000
THUMBNAIL_TYPE: Final = "image/webp"
EDGES_PIXELS: Final = (32, 64, 96, 128, 256, 512, 1024)
MIN_SIZE_PIXELS, MAX_SIZE_PIXELS = 16, EDGES_PIXELS[-1]
THUMBNAILS_PREFIX: Final = "thumbnails/"


class ThumbnailShape(StrEnum):
    """How a picture is made to fit: whole within a square, or the middle of it filling the square."""

    FIT = "fit"
    SQUARE = "square"


def has_thumbnails(content_type: str, byte_size: int) -> bool:
    """Whether thumbnails are made of files of this type and size."""
    return content_type in PICTURE_TYPES and byte_size <= MAX_PICTURE_BYTES


def edge_for(size_pixels: int) -> int:
    """The smallest edge that is not smaller than what is asked for."""
    return next((edge for edge in EDGES_PIXELS if edge >= size_pixels), EDGES_PIXELS[-1])


def thumbnail_name(shape: ThumbnailShape, edge_pixels: int) -> str:
    """The name of one of a picture's thumbnails, as in its key and its URL."""
    return f"{shape}-{edge_pixels}"


def parse_thumbnail_name(name: str) -> tuple[ThumbnailShape, int] | None:
    """The shape and the edge in pixels of a thumbnail's name; None for what is none."""
    return _BY_NAME.get(name)


_BY_NAME: Final = {thumbnail_name(shape, edge): (shape, edge) for shape in ThumbnailShape for edge in EDGES_PIXELS}


def thumbnail_prefix(attachment_id: UUID) -> str:
    """What the keys of all thumbnails of a file begin with."""
    return f"{THUMBNAILS_PREFIX}{attachment_id}/"


def thumbnail_key(attachment_id: UUID, shape: ThumbnailShape, edge_pixels: int) -> str:
    """The key of a thumbnail's object."""
    return thumbnail_prefix(attachment_id) + thumbnail_name(shape, edge_pixels)

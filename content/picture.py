"""Renders thumbnails of pictures that anybody may have made.

Whoever uploads a picture decides what decoding it costs, and decoders are C: call it in a worker process
(`persistence.documents.worker_pool`), which has little memory and time. What is read before pixels are decoded is the size that
the file announces; nothing larger than `MAX_PICTURE_PIXELS` is decoded.

The result is pixels and nothing else: no EXIF (with its location), no comments, no profile; orientation and colours are applied
to the pixels. It is WebP, which every browser shows and which has transparency. Of an animation it is the first frame.

Rejected: AVIF, TIFF and others as sources (more decoders, for few pictures); SVG (a program, not a picture); the first page of
PDFs (pypdfium2 is a binding of a large C++ parser with a long list of memory faults: running it needs a sandbox without system
calls, which these workers are not).
"""

import warnings
from io import BytesIO
from typing import TYPE_CHECKING, Final

from domain.picture import MAX_PICTURE_PIXELS, ThumbnailShape

if TYPE_CHECKING:
    from PIL.Image import Image

_FORMATS: Final = {"image/png": "PNG", "image/jpeg": "JPEG", "image/gif": "GIF", "image/webp": "WEBP"}
_QUALITY: Final = 80
_EFFORT: Final = 4  # of WebP's 0 to 6
_REDUCING_GAP: Final = 2.0
_MAX_WEBP_PIXELS: Final = MAX_PICTURE_PIXELS // 2  # its decoder takes 16 bytes a pixel, those of the others at most 8
_MAX_PROFILE_BYTES: Final = 1024 * 1024
_ORIENTATION_TAG: Final = 0x0112


class UnreadablePicture(Exception):
    """No picture of the announced type, a damaged one, or one with too many pixels."""


def render_thumbnail(content: bytes, content_type: str, shape: ThumbnailShape, edge_pixels: int) -> bytes | None:
    """A picture, reduced to a square of this edge (never enlarged), as WebP; None where it cannot be read."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # decoders warn of everything that is odd, once for each hostile picture
            return _render(content, content_type, shape, edge_pixels)
    except (MemoryError, RecursionError):
        raise
    except Exception:  # noqa: BLE001 (decoders of hostile files raise whatever they meet: struct.error, SyntaxError, KeyError …)
        return None


def warm_up() -> None:
    """Load what rendering needs."""
    from PIL import Image

    Image.preinit()


def _render(content: bytes, content_type: str, shape: ThumbnailShape, edge_pixels: int) -> bytes:
    from PIL import Image  # only worker processes need it

    Image.MAX_IMAGE_PIXELS = MAX_PICTURE_PIXELS
    format_ = _FORMATS[content_type]
    if format_ == "WEBP":  # the decoder allocates the canvas when it opens the file
        _require_pixels(_webp_size(content), _MAX_WEBP_PIXELS)
    with Image.open(BytesIO(content), formats=[format_]) as picture:
        _require_pixels(picture.size, MAX_PICTURE_PIXELS)
        picture.draft(None, (2 * edge_pixels, 2 * edge_pixels))
        picture.load()
        orientation, profile = _orientation(picture), picture.info.get("icc_profile")
        plain = _with_plain_mode(picture)
    if shape is ThumbnailShape.SQUARE:
        small = _middle(plain, edge_pixels)
    else:
        small = plain
        small.thumbnail((edge_pixels, edge_pixels), Image.Resampling.LANCZOS, reducing_gap=_REDUCING_GAP)
    if (transposition := _TRANSPOSITIONS.get(orientation)) is not None:
        small = small.transpose(Image.Transpose(transposition))
    small = _in_srgb(small, profile)
    small.info = {}
    encoded = BytesIO()
    small.save(encoded, "WEBP", quality=_QUALITY, method=_EFFORT)
    return encoded.getvalue()


# EXIF orientation -> PIL.Image.Transpose
_TRANSPOSITIONS: Final = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}


def _require_pixels(size: tuple[int, int], limit: int) -> None:
    if not 0 < size[0] * size[1] <= limit:
        raise UnreadablePicture(f"{size[0]} x {size[1]} pixels")


def _webp_size(content: bytes) -> tuple[int, int]:
    """Width and height of a WebP, from its first chunk (RFC 9649)."""
    if content[:4] != b"RIFF" or content[8:12] != b"WEBP" or len(content) < 30:
        raise UnreadablePicture("no WebP")
    match content[12:16]:
        case b"VP8X":
            return 1 + int.from_bytes(content[24:27], "little"), 1 + int.from_bytes(content[27:30], "little")
        case b"VP8L":
            bits = int.from_bytes(content[21:25], "little")
            return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
        case b"VP8 ":
            return int.from_bytes(content[26:28], "little") & 0x3FFF, int.from_bytes(content[28:30], "little") & 0x3FFF
    raise UnreadablePicture("no WebP")


def _orientation(picture: "Image") -> int:
    """The orientation that EXIF names, 1 to 8; 1 (upright) where EXIF is missing or damaged."""
    try:
        found = picture.getexif().get(_ORIENTATION_TAG)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 (damaged metadata does not make a picture unreadable)
        return 1
    return found if isinstance(found, int) else 1


def _with_plain_mode(picture: "Image") -> "Image":
    """The picture as RGB, or as RGBA where some of it may be transparent; CMYK stays, until its profile is applied."""
    if picture.mode.startswith("I;16"):
        picture = picture.point(lambda value: value * (1 / 256)).convert("L")
    if picture.has_transparency_data:
        return picture if picture.mode == "RGBA" else picture.convert("RGBA")
    return picture if picture.mode in ("RGB", "CMYK") else picture.convert("RGB")


def _middle(picture: "Image", edge_pixels: int) -> "Image":
    """The largest square in the middle of the picture, reduced to this edge."""
    from PIL import Image

    width, height = picture.size
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    edge = min(edge_pixels, side)
    return picture.resize(
        (edge, edge), Image.Resampling.LANCZOS, (left, top, left + side, top + side), reducing_gap=_REDUCING_GAP
    )


def _in_srgb(picture: "Image", profile: object) -> "Image":
    """The picture in the colours of sRGB, as RGB or RGBA; a profile that is damaged, or none for its mode, is ignored."""
    if isinstance(profile, bytes) and len(profile) <= _MAX_PROFILE_BYTES:
        picture = _with_profile_applied(picture, profile)
    return picture.convert("RGB") if picture.mode == "CMYK" else picture


def _with_profile_applied(picture: "Image", profile: bytes) -> "Image":
    from PIL import ImageCms

    alpha = picture.getchannel("A") if picture.mode == "RGBA" else None
    opaque = picture.convert("RGB") if alpha is not None else picture
    try:
        applied = ImageCms.profileToProfile(
            opaque, ImageCms.ImageCmsProfile(BytesIO(profile)), ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
    except (OSError, ImageCms.PyCMSError, ValueError, TypeError):
        return picture
    if applied is None:
        return picture
    if alpha is not None:
        applied.putalpha(alpha)
    return applied

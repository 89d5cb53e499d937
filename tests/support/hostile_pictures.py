"""Pictures that nobody means well with: bombs, lies, torn files and other formats under the name of a picture."""

import struct
import zlib
from collections.abc import Iterator
from functools import cache
from io import BytesIO
from typing import Any

from PIL import Image

FORMATS = {"image/png": "PNG", "image/jpeg": "JPEG", "image/gif": "GIF", "image/webp": "WEBP"}
PNG_START = b"\x89PNG\r\n\x1a\n"
_IEND = (b"IEND", b"")


def encoded(picture: Image.Image, content_type: str, **options: Any) -> bytes:
    """The bytes of a picture."""
    out = BytesIO()
    picture.save(out, FORMATS[content_type], **options)
    return out.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, *chunks: tuple[bytes, bytes], depth: int = 8, color: int = 2, interlace: int = 0) -> bytes:
    """A PNG of these chunks."""
    header = struct.pack(">IIBBBBB", width & 0xFFFFFFFF, height & 0xFFFFFFFF, depth, color, 0, 0, interlace)
    return PNG_START + b"".join(chunk(kind, data) for kind, data in ((b"IHDR", header), *chunks))


@cache
def zeros(count: int) -> bytes:
    """Many zeros, compressed."""
    packer = zlib.compressobj(9)
    parts = [packer.compress(bytes(min(1 << 20, count - at))) for at in range(0, count, 1 << 20)]
    return b"".join(parts) + packer.flush()


def jpeg_with_size(width: int, height: int) -> bytes:
    """A JPEG that says that it has this size."""
    plain = encoded(Image.new("RGB", (16, 16), (200, 0, 0)), "image/jpeg")
    at = plain.index(b"\xff\xc0") + 5
    return plain[:at] + struct.pack(">HH", height, width) + plain[at + 4 :]


def gif_with_size(width: int, height: int, *, frame: tuple[int, int, int, int] = (0, 0, 1, 1)) -> bytes:
    """A GIF that says that its canvas has this size, with one frame at (left, top, width, height)."""
    head = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + b"\x00\x00\x00\xff\xff\xff"
    return head + b"," + struct.pack("<HHHHB", *frame, 0) + b"\x02\x02\x44\x01\x00;"


def webp_chunk(kind: bytes, data: bytes) -> bytes:
    """A WebP with one chunk of these bytes."""
    body = b"WEBP" + kind + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


def hostile_pictures() -> Iterator[tuple[str, str, bytes]]:
    """A name, the announced type and the bytes of each."""
    small = Image.effect_noise((64, 48), 60).convert("RGB")
    good = {type_: encoded(small, type_) for type_ in FORMATS}
    yield from _bombs()
    yield from _lies(good)
    yield from _other_formats()
    yield from _broken_pngs()
    yield from _metadata(small)
    yield from _animations(small)
    for type_, content in good.items():
        for fraction in (0.0, 0.1, 0.5, 0.9):
            yield f"{type_} torn at {fraction}", type_, content[: int(len(content) * fraction)]
        noise = bytearray(content)
        for at in range(len(noise) // 3, len(noise), 7):
            noise[at] ^= 0x5A
        yield f"{type_} with flipped bits", type_, bytes(noise)


def _bombs() -> Iterator[tuple[str, str, bytes]]:
    row = 50_000 // 8 + 1
    yield "50,000 x 50,000 in a few KB", "image/png", png(50_000, 50_000, (b"IDAT", zeros(row * 4_000)), _IEND, depth=1, color=0)
    yield "50,000 x 50,000 in colour", "image/png", png(50_000, 50_000, (b"IDAT", zeros(1 << 20)), _IEND)
    yield "2^31 - 1 wide", "image/png", png(2**31 - 1, 2**31 - 1, (b"IDAT", zeros(64)), _IEND)
    yield "2^32 - 1 wide", "image/png", png(-1, -1, (b"IDAT", zeros(64)), _IEND)
    yield "one pixel high and 60,000,000 wide", "image/png", png(60_000_000, 1, (b"IDAT", zeros(64)), _IEND, depth=1, color=0)
    yield "more rows than announced", "image/png", png(10, 10, (b"IDAT", zeros(64 << 20)), _IEND)
    yield "65,500 x 65,500", "image/jpeg", jpeg_with_size(65_500, 65_500)
    yield "more pixels than there is data", "image/jpeg", jpeg_with_size(7_000, 7_000)
    yield "65,535 x 65,535", "image/gif", gif_with_size(65_535, 65_535)
    yield "a canvas of 16,384 x 16,384", "image/webp", webp_chunk(b"VP8X", b"\x02\0\0\0" + b"\xff\x3f\0" + b"\xff\x3f\0")
    yield "16,384 x 16,384 lossless", "image/webp", webp_chunk(b"VP8L", b"\x2f\xff\xff\xff\x0f" + bytes(20))
    yield "16,383 x 16,383 lossy", "image/webp", webp_chunk(b"VP8 ", b"\x10\0\0\x9d\x01\x2a\xff\x3f\xff\x3f" + bytes(20))
    flat = encoded(Image.new("RGBA", (4_990, 5_000), (1, 2, 3, 4)), "image/webp", lossless=True, quality=0, method=0)
    yield "as many pixels as are allowed in 40 bytes", "image/webp", flat


def _lies(good: dict[str, bytes]) -> Iterator[tuple[str, str, bytes]]:
    for announced in FORMATS:
        for actual, content in good.items():
            if actual != announced:
                yield f"{actual} as {announced}", announced, content
    for size in ((0, 10), (10, 0), (0, 0)):
        yield f"PNG of {size}", "image/png", png(*size, (b"IDAT", zeros(64)), _IEND)
        yield f"JPEG of {size}", "image/jpeg", jpeg_with_size(*size)
        yield f"GIF of {size}", "image/gif", gif_with_size(*size)
    yield "GIF with a frame outside", "image/gif", gif_with_size(4, 4, frame=(60_000, 60_000, 65_535, 65_535))
    yield "GIF and JavaScript", "image/gif", b"GIF89a/*" + bytes(300) + b"*/=1;alert(document.domain)//"
    yield "WebP with a wrong length", "image/webp", good["image/webp"][:4] + b"\xff\xff\xff\xff" + good["image/webp"][8:]
    yield "PNG and HTML", "image/png", good["image/png"] + b"<script>alert(1)</script>"


def _other_formats() -> Iterator[tuple[str, str, bytes]]:
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(2)</script><image href="file:///etc/passwd"/></svg>'
    texts = {
        "SVG": svg,
        "HTML": b"<html><script>alert(1)</script>",
        "PDF": b"%PDF-1.7\n1 0 obj\n<< >>",
        "PostScript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage",
    }
    for name, content in texts.items():
        yield f"{name} as PNG", "image/png", content
        yield f"{name} after a PNG's start", "image/png", PNG_START + content
    for format_ in ("BMP", "TIFF", "ICO", "PCX", "PPM", "TGA"):
        out = BytesIO()
        Image.new("RGB", (16, 16)).save(out, format_)
        yield f"{format_} as PNG", "image/png", out.getvalue()
    yield "XBM as GIF", "image/gif", b"#define a_width 9\n#define a_height 9\nstatic char a_bits[] = {0};"


def _broken_pngs() -> Iterator[tuple[str, str, bytes]]:
    data = (b"IDAT", zeros(10 * 31))
    whole = png(10, 10, data, _IEND)
    yield "wrong checksum", "image/png", whole[:40] + b"\x00" + whole[41:]
    yield "no data", "image/png", png(10, 10, _IEND)
    yield "no end", "image/png", png(10, 10, data)
    yield "garbage for data", "image/png", png(10, 10, (b"IDAT", b"garbage" * 9), _IEND)
    yield "two headers", "image/png", png(10, 10, (b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)), data, _IEND)
    yield "no palette", "image/png", png(10, 10, (b"IDAT", zeros(110)), _IEND, color=3)
    yield "a palette of 4 bytes", "image/png", png(10, 10, (b"PLTE", b"1234"), (b"IDAT", zeros(110)), _IEND, color=3)
    yield "an unknown depth", "image/png", png(10, 10, data, _IEND, depth=7)
    yield "an unknown colour", "image/png", png(10, 10, data, _IEND, color=9)
    yield "an unknown interlace", "image/png", png(10, 10, data, _IEND, interlace=9)
    yield "50,000 chunks", "image/png", png(10, 10, *[(b"abCd", b"x")] * 50_000, data, _IEND)
    yield "20,000 pieces of data", "image/png", png(10, 10, *[(b"IDAT", bytes([each])) for each in data[1]] * 400, _IEND)
    yield "a chunk of 4 GiB", "image/png", whole[:33] + b"\xff\xff\xff\xffIDAT" + whole[41:]


def _metadata(small: Image.Image) -> Iterator[tuple[str, str, bytes]]:
    data = (b"IDAT", zeros(10 * 31))
    for kind, head in ((b"zTXt", b"a\0\0"), (b"iCCP", b"a\0\0"), (b"iTXt", b"a\0\1\0\0\0")):
        yield f"{kind.decode()} that inflates to 64 MiB", "image/png", png(10, 10, (kind, head + zeros(64 << 20)), data, _IEND)
    yield "10,000 texts", "image/png", png(10, 10, *[(b"tEXt", b"a\0" + b"x" * 90)] * 10_000, data, _IEND)
    yield "EXIF after the data", "image/png", png(10, 10, data, (b"eXIf", b"MM\0*\xff\xff\xff\xff"), _IEND)
    for name, exif in {
        "garbage": b"Exif\0\0" + bytes(range(256)) * 8,
        "an offset outside": b"Exif\0\0MM\0*\xff\xff\xff\xf0",
        "a loop": b"Exif\0\0MM\0*\0\0\0\x08\0\1\x01\x12\0\3\0\0\0\1\0\6\0\0\0\0\0\x08",
        "an orientation of 65,535": b"Exif\0\0MM\0*\0\0\0\x08\0\1\x01\x12\0\3\0\0\0\1\xff\xff\0\0\0\0\0\0",
        "an orientation in words": b"Exif\0\0MM\0*\0\0\0\x08\0\1\x01\x12\0\2\0\0\0\4up!\0\0\0\0\0",
        "65,535 entries": b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + b"\x01\x12\0\3\xff\xff\xff\xff\0\0\0\0" * 3_000,
    }.items():
        yield f"EXIF with {name}", "image/jpeg", encoded(small, "image/jpeg", exif=exif)
    for name, profile in {"garbage": b"no profile" * 50, "a lie": struct.pack(">I", 2**31) + b"acspXYZ " * 99}.items():
        yield f"a profile of {name}", "image/jpeg", encoded(small, "image/jpeg", icc_profile=profile)
        yield f"a profile of {name} in PNG", "image/png", encoded(small, "image/png", icc_profile=profile)
    plain = encoded(small, "image/jpeg")
    yield "1,000 comments", "image/jpeg", plain[:2] + (b"\xff\xfe\x00\x40" + b"c" * 62) * 1_000 + plain[2:]
    yield (
        "XMP that is an entity bomb",
        "image/jpeg",
        encoded(small, "image/jpeg", xmp=b'<!DOCTYPE x [<!ENTITY a "aaaa">]><x>' + b"&a;" * 900),
    )


def _animations(small: Image.Image) -> Iterator[tuple[str, str, bytes]]:
    header, data = (b"acTL", struct.pack(">II", 100_000, 0)), (b"IDAT", zeros(10 * 31))
    control = (b"fcTL", struct.pack(">IIIIIHHBB", 0, 10, 10, 0, 0, 1, 1, 0, 0))
    frames = [part for _ in range(5_000) for part in (control, (b"fdAT", b"\0\0\0\1" + data[1]))]
    yield "APNG of 100,000 frames", "image/png", png(10, 10, header, control, data, *frames, _IEND)
    large = (b"fcTL", struct.pack(">IIIIIHHBB", 0, 50_000, 50_000, 0, 0, 1, 1, 0, 0))
    yield "APNG with a large frame", "image/png", png(10, 10, header, large, data, _IEND)
    yield "APNG without frames", "image/png", png(10, 10, (b"acTL", bytes(8)), data, _IEND)
    for type_ in ("image/gif", "image/webp"):
        yield (
            f"{type_} of 100 frames",
            type_,
            encoded(small, type_, save_all=True, append_images=[small.rotate(each) for each in range(100)]),
        )

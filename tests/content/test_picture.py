"""Thumbnails: upright, in true colours, transparent where the picture is, and nothing but pixels."""

import struct
from io import BytesIO

import pytest
from PIL import Image, ImageCms, ImageDraw, ImageOps

from content.picture import render_thumbnail
from domain.picture import EDGES_PIXELS, ThumbnailShape, edge_for, parse_thumbnail_name, thumbnail_name
from tests.support.hostile_pictures import FORMATS, encoded, png, zeros

FIT, SQUARE = ThumbnailShape.FIT, ThumbnailShape.SQUARE
SECRET = "Where I live"


def thumbnail(content: bytes, content_type: str, shape: ThumbnailShape = FIT, edge: int = 64) -> Image.Image:
    """The thumbnail, decoded."""
    rendered = render_thumbnail(content, content_type, shape, edge)
    assert rendered is not None
    with Image.open(BytesIO(rendered), formats=["WEBP"]) as picture:
        picture.load()
        return picture


def quarters(picture: Image.Image) -> list[str]:
    """The strongest colour in the middle of each quarter: upper left, upper right, lower left, lower right."""
    width, height = picture.size
    places = [(x * width // 4, y * height // 4) for y in (1, 3) for x in (1, 3)]
    plain = picture.convert("RGB")
    return ["RGBW"[3 if min(found) > 128 else found.index(max(found))] for found in map(plain.getpixel, places)]  # type: ignore[arg-type, union-attr]


def four_colours(size: tuple[int, int] = (160, 80)) -> Image.Image:
    """Red, green, blue and white quarters."""
    picture, (width, height) = Image.new("RGB", size, "white"), size
    draw = ImageDraw.Draw(picture)
    for box, colour in (((0, 0), "red"), ((width // 2, 0), "#00ff00"), ((0, height // 2), "blue")):
        draw.rectangle((*box, box[0] + width // 2 - 1, box[1] + height // 2 - 1), colour)
    return picture


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("content_type", ["image/jpeg", "image/png", "image/webp"])
def test_a_picture_is_upright_whatever_its_camera_was_held_like(orientation: int, content_type: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encoded(four_colours(), content_type, exif=exif)
    upright = ImageOps.exif_transpose(Image.open(BytesIO(content)))
    for shape, size in ((FIT, (64, 32) if orientation < 5 else (32, 64)), (SQUARE, (64, 64))):
        found = thumbnail(content, content_type, shape)
        assert found.size == size
        assert quarters(found) == quarters(upright)


def test_nothing_is_left_of_what_a_picture_says_beside_its_pixels() -> None:
    exif = Image.Exif()
    exif[0x010E] = SECRET
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.0), 29: SECRET})
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for content_type in ("image/jpeg", "image/png", "image/webp"):
        options = {"comment": SECRET} if content_type == "image/jpeg" else {}
        content = encoded(
            four_colours(), content_type, exif=exif, icc_profile=profile, xmp=f"<x>{SECRET}</x>".encode(), **options
        )
        assert SECRET.encode() in content
        rendered = render_thumbnail(content, content_type, FIT, 64)
        assert rendered is not None
        assert SECRET.encode() not in rendered
        with Image.open(BytesIO(rendered)) as found:
            assert {name: value for name, value in found.info.items() if name in ("exif", "xmp", "icc_profile", "comment")} == {}
            assert dict(found.getexif()) == {}


def test_what_is_transparent_stays_so_without_a_dark_rim() -> None:
    clear = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
    clear.paste((255, 0, 0, 255), (0, 0, 32, 64))
    indexed = clear.quantize(4)
    keyed = png(8, 8, (b"tRNS", struct.pack(">HHH", 0, 0, 0)), (b"IDAT", zeros(8 * 25)), (b"IEND", b""))
    grey = Image.new("LA", (64, 64), (9, 0))
    pictures = {
        "RGBA": (encoded(clear, "image/png"), "image/png"),
        "palette": (encoded(indexed, "image/png"), "image/png"),
        "GIF": (encoded(clear, "image/gif"), "image/gif"),
        "WebP": (encoded(clear, "image/webp", lossless=True), "image/webp"),
        "grey": (encoded(grey, "image/png"), "image/png"),
        "one colour": (keyed, "image/png"),
    }
    for name, (content, content_type) in pictures.items():
        found = thumbnail(content, content_type, edge=32)
        assert found.mode == "RGBA", name
        assert found.getpixel((found.width - 2, found.height // 2))[3] == 0, name  # type: ignore[index]
    edge = thumbnail(pictures["RGBA"][0], "image/png", edge=32)
    mixed = [edge.getpixel((x, 16)) for x in range(32)]
    assert all(pixel[0] > 200 for pixel in mixed if pixel[3] > 64)  # type: ignore[index]
    assert thumbnail(encoded(four_colours(), "image/png"), "image/png").mode == "RGB"


def test_sixteen_bits_of_grey_and_the_inks_of_print_are_shown_in_their_colours() -> None:
    grey = encoded(Image.new("I;16", (40, 40), 0x8000), "image/png")
    ink = encoded(Image.new("CMYK", (40, 40), (0, 255, 255, 0)), "image/jpeg")
    assert all(abs(value - 128) <= 3 for value in thumbnail(grey, "image/png").getpixel((20, 20)))  # type: ignore[union-attr]
    red, green, blue = thumbnail(ink, "image/jpeg").getpixel((20, 20))  # type: ignore[misc]
    assert red > 180
    assert max(green, blue) < 80


def test_of_an_animation_the_first_frame_is_shown() -> None:
    first, second = Image.new("RGB", (40, 40), "red"), Image.new("RGB", (40, 40), "blue")
    for content_type in ("image/gif", "image/webp", "image/png"):
        content = encoded(first, content_type, save_all=True, append_images=[second, second])
        assert quarters(thumbnail(content, content_type)) == ["R"] * 4


@pytest.mark.parametrize("content_type", FORMATS)
@pytest.mark.parametrize("size", [(300, 100), (100, 300), (20, 10), (1, 1), (2_000, 1)])
def test_a_thumbnail_is_never_enlarged_and_keeps_its_proportions(content_type: str, size: tuple[int, int]) -> None:
    content = encoded(Image.new("RGB", size), content_type)
    fitted, square = thumbnail(content, content_type), thumbnail(content, content_type, SQUARE)
    scale = min(1.0, 64 / max(size))
    assert fitted.size == tuple(max(1, round(side * scale)) for side in size)
    assert square.size == (min(64, *size),) * 2


def test_a_size_is_rounded_up_to_one_of_few() -> None:
    edges = [edge_for(size) for size in range(16, 1025)]
    assert set(edges) == set(EDGES_PIXELS)
    assert all(edge >= size for edge, size in zip(edges, range(16, 1025), strict=True))
    for shape in ThumbnailShape:
        for edge in EDGES_PIXELS:
            assert parse_thumbnail_name(thumbnail_name(shape, edge)) == (shape, edge)
    for name in ("", "fit", "fit-", "fit-33", "fit-032", "fit-٣٢", "FIT-32", "square-2048", "fit-32-", "../fit-32"):
        assert parse_thumbnail_name(name) is None

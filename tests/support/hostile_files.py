"""Makes files that are two things at once, or not what they are said to be: each would run a script if a browser took it for one.

The script of each asks the server for `/ran`, so that a browser that runs one is found out.
"""

import gzip
import io
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Final

from tests.support.uploads import PNG

RAN_PATH: Final = "/ran"
_JS: Final = b"fetch('/ran');document.title='ran'"
_WORKER_JS: Final = b"fetch('/ran')"
_HTML: Final = b"<html><body><script>" + _JS + b'</script><img src=x onerror="' + _JS + b'"></body></html>'
_SVG: Final = (
    b'<svg xmlns="http://www.w3.org/2000/svg" onload="' + _JS + b'"><script>' + _JS + b"</script>"
    b'<foreignObject><iframe xmlns="http://www.w3.org/1999/xhtml" srcdoc="&lt;script&gt;fetch(\'/ran\')&lt;/script&gt;"/></foreignObject></svg>'
)
_XHTML: Final = b'<html xmlns="http://www.w3.org/1999/xhtml"><script>' + _JS + b"</script></html>"
_XSLT: Final = (
    b'<?xml version="1.0"?><?xml-stylesheet type="text/xsl" href="#s"?><x><xsl:stylesheet id="s" version="1.0" '
    b'xmlns:xsl="http://www.w3.org/1999/XSL/Transform"><xsl:template match="/">'
    + _XHTML
    + b"</xsl:template></xsl:stylesheet></x>"
)
_PDF: Final = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R/OpenAction<</S/JavaScript/JS(app.launchURL\\('javascript:fetch\\(1\\)'\\);this.submitForm\\('/ran'\\))>>>>endobj\n"
    b"2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]"
    b"/Annots[<</Type/Annot/Subtype/Link/Rect[0 0 9 9]/A<</S/URI/URI(javascript:fetch('/ran'))>>>>]>>endobj\n"
    b"trailer<</Root 1 0 R>>\n"
)
_WEBP: Final = b"RIFF\x1a\0\0\0WEBPVP8L\x0d\0\0\0\x2f\0\0\0\x10\x07\x10\x11\x11\x88\x88\xfe\x07\0"
_AVIF: Final = b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf"
_JPEG: Final = b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0"
_GIF: Final = b"GIF89a\1\0\1\0\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\1\0\1\0\0\2\2D\1\0;"
_MHTML: Final = (
    b"MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n"
    + _HTML
    + b"\r\n--b--\r\n"
)

CLAIMS: Final = (
    *("image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "application/pdf", "text/plain"),
    *("text/html", "image/svg+xml", "text/xml", "text/javascript", "multipart/related", "application/octet-stream"),
)
FILE_NAMES: Final = (
    *(
        "../../etc/passwd",
        "..\\..\\evil.exe",
        "/etc/passwd",
        "C:\\evil.exe",
        "a/b.png",
        ".",
        "..",
        "...",
        " ",
        "",
        "\0",
        "a\0.png",
    ),
    *(
        "evil\u202egnp.exe",
        "\u2066evil\u2069.png",
        "a\r\nContent-Type: text/html\r\n\r\n<script>.png",
        "a\nb",
        "a\tb",
        "a\x1b[2J",
    ),
    *('a"; filename="evil.html', "a'b%0d%0a.png", "a%00.png", "%2e%2e%2fpasswd", "CON", "nul.txt", "COM1.log", "aux.", "lpt9"),
    *(
        "x" * 255,
        "x" * 256,
        "x" * 10_000,
        "é" * 255,
        "🦊" * 255,
        "e\u0301.png",
        "a\u200bb.png",
        "\u200b",
        "a\ufeff.html",
        "~root",
    ),
    *(
        "-rf",
        "--help",
        "$(id).png",
        "`id`.png",
        ";id",
        "| id",
        "*",
        "?",
        "<script>.html",
        "a b  c.png",
        "a.png.",
        "a.png ",
        ".htaccess",
    ),
    *(
        "desktop.ini",
        "a.png:evil.exe",
        "a::$DATA",
        "\u2028.png",
        "a;b=c.png",
        "a,b.png",
        "=1+1.csv",
        "ａ／ｂ.png",
        "index.html",
    ),
)


@dataclass(frozen=True, slots=True)
class HostileFile:
    """A file, and what is said of it."""

    name: str
    file_name: str
    content_type: str
    content: bytes


def polyglots() -> Iterator[HostileFile]:
    """Each content under each type, and each name with a content that passes for a picture."""
    for (name, content), claim in product(_contents().items(), CLAIMS):
        yield HostileFile(f"{name} as {claim}", "file.png", claim, content)
    for number, file_name in enumerate(FILE_NAMES):
        yield HostileFile(f"name {number}", file_name, "image/png", PNG)


def _contents() -> dict[str, bytes]:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("index.html", _HTML)
    return {
        "HTML": _HTML,
        "HTML after a byte order mark": b"\xef\xbb\xbf" + _HTML,
        "HTML in UTF-16": _HTML.decode().encode("utf-16"),
        "HTML in UTF-7": b"+ADw-script+AD4-" + _JS + b"+ADw-/script+AD4-",
        "HTML in ISO-2022-JP": b"\x1b$B" + _HTML + b"\x1b(B",
        "HTML after 600 blanks": b" " * 600 + _HTML,
        "SVG": _SVG,
        "SVG, compressed": gzip.compress(_SVG),
        "XHTML": b'<?xml version="1.0"?>' + _XHTML,
        "XSLT": _XSLT,
        "JavaScript": _WORKER_JS,
        "PDF": _PDF,
        "HTML before a PDF": _HTML + _PDF,
        "HTML in a PDF": b"%PDF-1.4\n" + _HTML,
        "GIF and JavaScript": b"GIF89a=1;" + _WORKER_JS + b"//;",
        "GIF and HTML": _GIF + _HTML,
        "PNG and HTML": PNG + _HTML,
        "PNG with HTML in its text": PNG[:33] + _text_chunk(_HTML) + PNG[33:],
        "JPEG and JavaScript": b"\xff\xd8\xff\xe0/**/=1;" + _WORKER_JS + b"//\xff\xd9",
        "JPEG and HTML": _JPEG + b"\xff\xfe\x01\xff" + _HTML + b"\xff\xd9",
        "WebP and HTML": _WEBP + _HTML,
        "AVIF and HTML": _AVIF + _HTML,
        "ZIP": archive.getvalue(),
        "JPEG and ZIP": _JPEG + b"\xff\xd9" + archive.getvalue(),
        "MHTML": _MHTML,
    }


def _text_chunk(text: bytes) -> bytes:
    body = b"tEXtComment\0" + text
    return (len(body) - 4).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")

"""Pictures from anywhere: few formats, limits, and what is damaged; one line each, before any work."""

from __future__ import annotations

import io
import random
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import numpy as np
import pytest
from PIL import EpsImagePlugin, Image

from benchmark.data import pictures
from benchmark.data.files import BYTES, Files
from benchmark.data.pictures import FORMATS, PIXELS, rgb, to_square
from benchmark.errors import InputError
from benchmark.paths import ROOT
from tests.benchmark.data import miniature
from tests.benchmark.data.refusals import BAD, refusal, refusals

EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n%%EOF\n"


def blank(width: int, height: int, kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.new("1" if kind != "WEBP" else "RGB", (width, height)).save(buffer, kind)
    return buffer.getvalue()


def noise(kind: str, **options: object) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 256, (20, 24, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, **options)
    return buffer.getvalue()


def rotten() -> bytes:
    content = bytearray(noise("PNG"))
    content[len(content) // 2] ^= 16
    return bytes(content)


NO_PICTURES: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "none of BMP, JPEG, PNG, TIFF, WEBP"),
    "junk": (lambda: random.Random(0).randbytes(5000), "none of BMP"),
    "text": (lambda: b"<svg xmlns='http://www.w3.org/2000/svg'/>", "none of BMP"),
    "truncated JPEG": (lambda: noise("JPEG")[:500], "Truncated"),
    "truncated PNG": (lambda: noise("PNG")[:-300], "truncated"),
    "truncated WebP": (lambda: noise("WEBP")[:-30], "decoder"),
    "truncated BMP": (lambda: noise("BMP")[:-300], "truncated"),
    "truncated TIFF": (lambda: noise("TIFF")[:-300], "truncated"),
    "bit-rotten PNG": (rotten, "broken"),
    "EPS": (lambda: EPS, "none of BMP"),
    **{
        kind: (lambda kind=kind: noise(kind), "none of BMP")
        for kind in ("GIF", "PPM", "TGA", "ICO", "PCX", "JPEG2000", "PDF", "ICNS", "DDS", "SGI", "IM")
    },
}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("fault", NO_PICTURES)
def test_what_is_no_sound_picture_of_a_documented_format(folder, monkeypatch, fault, packed):
    """The suffix says PNG; the content decides what is opened, so formats are listed."""
    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", lambda *_, **__: pytest.fail("Ghostscript was asked"))
    make, reason = NO_PICTURES[fault]
    (folder / BAD).write_bytes(make())
    root = miniature.zipped(folder) if packed else folder
    line = refusal(root)
    assert line.startswith(f"{root}: {BAD} is no readable picture (") and line.endswith("); replace or remove it")
    assert reason in line.partition("picture (")[2]


@pytest.mark.parametrize("kind", FORMATS)
def test_every_documented_format_is_read_in_a_process_of_its_own(kind):
    """Pillow loads some of its plugins only when it meets a file that it does not know."""
    code = "import sys; from benchmark.data.pictures import rgb; print(rgb(sys.stdin.buffer.read()).size)"
    done = subprocess.run([sys.executable, "-c", code], input=noise(kind), capture_output=True, check=True)
    assert done.stdout.decode().strip() == "(24, 20)"


SIZES = {"195 megapixels": (15000, 13000), "100 megapixels": (10000, 10000), "one row too many": (8192, 8193)}


@pytest.mark.parametrize("size", SIZES)
def test_a_picture_of_too_many_pixels_is_not_decoded(folder, size):
    (folder / BAD).write_bytes(blank(*SIZES[size]))
    assert refusals(folder) == {f"{folder}: {BAD} has more than {PIXELS:,} pixels; make it smaller, or remove it"}
    code = f"""
import resource
from benchmark.data.pictures import rgb
resource.setrlimit(resource.RLIMIT_DATA, (2**28, 2**28))
rgb(open({str(folder / BAD)!r}, "rb").read())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    last = done.stderr.splitlines()[-1]
    assert last.endswith(f"has more than {PIXELS:,} pixels; make it smaller, or remove it")
    assert "Warning" not in done.stderr, "Pillow's own, which names no file"


def test_a_picture_at_the_limit_is_read(monkeypatch):
    monkeypatch.setattr(pictures, "PIXELS", 90)
    assert rgb(blank(10, 9)).size == (10, 9)
    with pytest.raises(InputError, match="has more than 90 pixels"):
        rgb(blank(10, 10))


def test_large_pictures_are_decoded_one_at_a_time(folder, monkeypatch):
    """So that the memory of several threads does not add up."""
    inside, most = [], []
    convert = pictures._in_rgb

    def slow(image):
        inside.append(image)
        time.sleep(0.01)
        most.append(len(inside))
        inside.pop()
        return convert(image)

    monkeypatch.setattr(pictures, "_in_rgb", slow)
    files_of = Files(str(folder), "")
    for large, expected in ((10**9, 4), (1, 1)):
        monkeypatch.setattr(pictures, "LARGE", large)
        most.clear()
        threads = [threading.Thread(target=files_of.digest, args=("train/a/0.jpg",)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(most) == 4 and (max(most) == 1 if expected == 1 else max(most) > 1)


@pytest.mark.parametrize("kind", FORMATS)
def test_pictures_with_flipped_bits_are_read_or_refused(kind):
    whole, chance = noise(kind), random.Random(1)
    for _ in range(150):
        content = bytearray(whole)
        for _ in range(chance.choice((1, 3))):
            content[chance.randrange(min(len(whole), chance.choice((40, 200, 2000))))] ^= 1 << chance.randrange(8)
        try:
            assert to_square(rgb(bytes(content)), 8).shape == (3, 8, 8)
        except InputError as error:
            assert str(error).startswith(("is no readable picture (", "has more than"))


def test_what_is_refused_leaves_no_trace(folder, tmp_path):
    (folder / BAD).write_bytes(b"junk")
    before = sorted(path.name for path in tmp_path.rglob("*"))
    refusals(folder)
    assert sorted(path.name for path in tmp_path.rglob("*")) == before
    shutil.rmtree(folder)


def test_the_docs_state_formats_and_limits():
    text = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")
    assert f"{PIXELS:,} pixels" in text and f"{BYTES:,} bytes" in text
    assert all(kind.lower() in text.lower() for kind in FORMATS)

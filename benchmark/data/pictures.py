"""Encoded pictures as arrays, in few formats and within limits: the bytes may come from anywhere."""

from __future__ import annotations

import io
import threading
import warnings
from contextlib import AbstractContextManager, nullcontext

import numpy as np
from PIL import (
    BmpImagePlugin,
    Image,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

from benchmark.errors import InputError

# Pillow knows forty formats, and hands some to other programs; it looks at no plugin but these.
_PLUGINS = (BmpImagePlugin, JpegImagePlugin, PngImagePlugin, TiffImagePlugin, WebPImagePlugin)
FORMATS = ("BMP", "JPEG", "PNG", "TIFF", "WEBP")
PIXELS = 2**26  # 8192 x 8192, 256 MiB as Pillow holds them
LARGE = 2**22  # pixels or bytes from which on several threads take turns, so that their memory does not add up
_turn = threading.RLock()

warnings.filterwarnings("ignore", module=r"PIL\.")  # on damaged or large files: either they are refused here, or read


def rgb(content: bytes) -> Image.Image:
    """The picture that a file's content encodes, decoded.

    Raises:
        InputError: it is none, is damaged or too large; the message is a clause that ends with the remedy.
    """
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as opened:
            if opened.width * opened.height > PIXELS:
                raise Image.DecompressionBombError
            with in_turn(opened.width * opened.height):
                opened.load()
                return _in_rgb(opened)
    except Image.DecompressionBombError:
        raise InputError(f"has more than {PIXELS:,} pixels; make it smaller, or remove it") from None
    except UnidentifiedImageError:
        reason = f"none of {', '.join(FORMATS)}"
    except Exception as error:  # decoders raise whatever they come upon: KeyError, struct.error, TypeError ...
        reason = str(error) or type(error).__name__
    raise InputError(f"is no readable picture ({reason}); replace or remove it")


def to_square(image: Image.Image, size: int) -> np.ndarray:
    """A picture as (3, size, size) uint8 RGB, bicubic, whatever its proportions; grey becomes three equal channels."""
    square = _in_rgb(image).resize((size, size), Image.Resampling.BICUBIC)
    return np.asarray(square).transpose(2, 0, 1)


def in_turn(size: int) -> AbstractContextManager[object]:
    """Held by one thread at a time where `size`, of pixels or bytes, is large."""
    return _turn if size > LARGE else nullcontext()


def _in_rgb(image: Image.Image) -> Image.Image:
    return image if image.mode == "RGB" else image.convert("RGB")  # of RGB, convert makes a second copy

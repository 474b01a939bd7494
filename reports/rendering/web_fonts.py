"""The typeface of pages in a browser: small copies of the fonts that PDFs use, carried in the page itself.

Charts place words by the widths of this typeface; with another one they would touch. Put what a browser's
fonts hold here. `python -m reports.rendering.web_fonts` makes the files again after the fonts have changed.
"""

from __future__ import annotations

import base64
from functools import cache
from pathlib import Path
from typing import Any

from fontTools import subset

from reports.text import formats

FOLDER = formats.FONTS / "web"
# Latin with its accents, punctuation, signs of currencies, arrows and signs of arithmetic. Names in
# other scripts are drawn by the browser's own fonts.
RANGES = (
    (0x20, 0x7E),
    (0xA0, 0x17F),
    (0x218, 0x21B),
    (0x1E80, 0x1EF9),
    (0x2000, 0x206F),
    (0x20A0, 0x20C0),
    (0x2190, 0x2193),
    (0x2212, 0x2265),
)


def characters() -> set[int]:
    """Return the code points that the files are to hold, where the fonts have them."""
    return {code for first, last in RANGES for code in range(first, last + 1)}


def file_of(weight: int) -> Path:
    """Return the file of a weight."""
    return FOLDER / f"OnpaceSans-{weight}.woff2"


@cache
def web_font_faces() -> str:
    """Return the rules that carry the typeface, a weight each."""
    return "\n".join(
        f'@font-face {{ font-family: "{formats.TYPEFACE}"; font-weight: {weight}; '
        f"src: url(data:font/woff2;base64,{base64.b64encode(file_of(weight).read_bytes()).decode()}) format('woff2'); }}"
        for weight in formats.WEIGHTS
    )


def main() -> None:
    """Write the file of each weight."""
    library: Any = subset  # without types
    options = library.Options(
        flavor="woff2",
        layout_features=["kern", "tnum", "lnum", "mark", "mkmk", "ccmp"],
        hinting=False,
        # Copyright and licence, and no name: theirs is reserved for the whole fonts.
        name_IDs=[0, 13, 14],
    )
    FOLDER.mkdir(exist_ok=True)
    for weight, name in formats.WEIGHTS.items():
        font = library.load_font(str(formats.FONTS / name), options)
        smaller = library.Subsetter(options)
        smaller.populate(unicodes=characters())
        smaller.subset(font)
        library.save_font(font, str(file_of(weight)), options)


if __name__ == "__main__":
    main()

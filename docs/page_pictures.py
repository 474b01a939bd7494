"""Takes the pictures of `docs/pages` again, from what the demo printed: `python -m docs.page_pictures HOME PLAN`.

HOME is the folder of a demo that ran `onpace report 2026-10` and `onpace flash --as-of 2026-11-16`, PLAN what
`onpace plan FY2028 --number 9500000 --to PLAN` wrote.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pypdfium2
from PIL import Image

FOLDER = Path(__file__).with_name("pages")
WIDTH, COLOURS = 1000, 48
# Which pages of which document are pictured.
PICTURED = {
    "company": ("packs/2026-10/company.pdf", 6),
    "team": ("packs/2026-10/team-public-sector-*.pdf", 1),
    "person": ("packs/2026-10/person-priya-raman-*.pdf", 1),
    "sources": ("packs/2026-10/sources-marketing-*.pdf", 1),
    "flash": ("flash/2026-11-16/company.pdf", 1),
}


def take(document: Path, name: str, pages: int) -> None:
    """Write so many pages of a document as pictures, each a file below `docs/pages`."""
    with pypdfium2.PdfDocument(document) as printed:
        for number in range(pages):
            page = printed[number]
            picture = page.render(scale=WIDTH / page.get_width()).to_pil().convert("RGB")
            small = picture.quantize(COLOURS, dither=Image.Dither.NONE)
            small.save(FOLDER / f"{name}-{number + 1}.png", optimize=True)


def main(home: Path, plan: Path) -> None:
    """Take every picture; a document that is not there is an error."""
    for name, (pattern, pages) in PICTURED.items():
        take(next(home.glob(pattern)), name, pages)
    take(plan / "plan-FY2028.pdf", "plan", 1)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

"""The brand on the pages: logo, two colours that can be read, name, footer, paper; for the company or a team.

Put checks of what a policy says about looks here. A logo that cannot be printed is refused;
a colour that cannot be read is darkened, and a warning says so.
"""

from __future__ import annotations

import hashlib
import io
import re
import warnings
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

from PIL import Image, UnidentifiedImageError

from reports.charts.svg import Palette
from sales.errors import UserError
from sales.policy.rules import MonthRules
from sales.policy.sections import Brand

LARGEST_LOGO = 500_000
MOST_PIXELS = 16_000_000
PNG, SVG = b"\x89PNG\r\n\x1a\n", b"<"
# WCAG 2.2, success criterion 1.4.3: text of normal size.
READABLE = 4.5
DARKER = 0.96
SVG_ROOT = "{http://www.w3.org/2000/svg}svg"
ACTIVE = {"script", "foreignObject", "image", "iframe", "style", "animate", "set", "handler"}
DEFAULT = Brand()
DEFAULT_PALETTE = Palette(DEFAULT.colour, DEFAULT.second_colour)


class InvalidLogo(UserError, ValueError):
    """The brand's logo cannot be printed."""


@dataclass(frozen=True)
class Logo:
    """A checked picture and the name that pages call it by."""

    name: str
    content: bytes

    @property
    def media_type(self) -> str:
        """What kind of picture it is."""
        return "image/png" if self.content.startswith(PNG) else "image/svg+xml"


@dataclass(frozen=True)
class Theme:
    """How pages look."""

    palette: Palette = DEFAULT_PALETTE
    name: str = ""
    footer: str = ""
    paper: str = "A4"
    logo: Logo | None = None


@dataclass(frozen=True)
class Themes:
    """The company's look, those of teams that have their own, and what had to be changed to be readable."""

    company: Theme
    teams: dict[str, Theme]
    warnings: tuple[str, ...]

    def of_team(self, team: str) -> Theme:
        """Return a team's look, the company's where it has none of its own."""
        return self.teams.get(team, self.company)


def themes_of(policy_folder: Path, rules: MonthRules) -> Themes:
    """Return how the pages of a month look; raises `InvalidLogo`."""
    brand = rules.policy.brand
    warnings: list[str] = []
    company = _theme(policy_folder, brand, "[brand]", rules.company, warnings)
    teams = {
        team: _theme(
            policy_folder,
            brand.of_team(team),
            f'[brand.teams."{team[:60]}"]',
            rules.company,
            warnings,
        )
        for team in brand.teams
    }
    return Themes(company, teams, tuple(dict.fromkeys(warnings)))


def readable(colour: str) -> str:
    """Return a colour that can be read as text on white: itself, or the nearest darker shade of it."""
    channels = [int(colour[n : n + 2], 16) for n in (1, 3, 5)]
    while contrast(channels) < READABLE:
        channels = [int(channel * DARKER) for channel in channels]
    return "#" + "".join(f"{channel:02x}" for channel in channels)


def contrast(channels: list[int]) -> float:
    """Return the contrast of a colour with white, from 1 to 21, as WCAG 2.2 defines it."""
    # The break and the exponents are those of the sRGB transfer function.
    linear = [
        (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4)  # noqa: PLR2004
        for part in (channel / 255 for channel in channels)
    ]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return 1.05 / (luminance + 0.05)


def _theme(folder: Path, brand: Brand, where: str, company: str, warnings: list[str]) -> Theme:
    colours: list[str] = []
    for key, colour in (("colour", brand.colour), ("second_colour", brand.second_colour)):
        used = readable(colour)
        if used != colour.lower():
            warnings.append(
                f"{where} {key} = {colour} is too light to be read on white (contrast under {READABLE}); {used} is printed instead"
            )
        colours.append(used)
    return Theme(
        Palette(*colours),
        brand.name or company,
        brand.footer,
        brand.paper,
        _logo(folder, brand.logo, where),
    )


def _logo(folder: Path, name: str | None, where: str) -> Logo | None:
    if name is None:
        return None
    said = f"{where} logo = {name[:60]!r}"
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise InvalidLogo(f"{said} lies outside the policy folder; put the file into it")
    if not path.is_file() or path.stat().st_size > LARGEST_LOGO:
        raise InvalidLogo(
            f"{said} is no file of at most {LARGEST_LOGO:,} bytes in the policy folder"
        )
    content = path.read_bytes()
    if content.startswith(PNG):
        _check_png(content, said)
    elif content.lstrip().startswith(SVG):
        _check_svg(content, said)
    else:
        raise InvalidLogo(f"{said} is neither PNG nor SVG")
    return Logo(f"brand/{hashlib.sha256(content).hexdigest()[:16]}", content)


def _check_png(content: bytes, said: str) -> None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=["PNG"]) as picture:
                size = picture.width * picture.height
                if size <= MOST_PIXELS:
                    picture.load()
    except (
        UnidentifiedImageError,
        OSError,
        SyntaxError,
        ValueError,
        Image.DecompressionBombWarning,
        Image.DecompressionBombError,
    ) as broken:
        raise InvalidLogo(
            f"{said} is a damaged PNG ({str(broken)[:80]}); export it again"
        ) from None
    if size > MOST_PIXELS:
        raise InvalidLogo(f"{said} has {size:,} pixels; {MOST_PIXELS:,} are enough for print")


def _check_svg(content: bytes, said: str) -> None:
    if re.search(rb"<!(DOCTYPE|ENTITY)", content, re.IGNORECASE):
        raise InvalidLogo(f"{said} declares a document type or entities; export it as plain SVG")
    try:
        root = ET.fromstring(content)  # noqa: S314  # without a document type there are no entities to expand
    except ET.ParseError as broken:
        raise InvalidLogo(f"{said} is a damaged SVG ({broken}); export it again") from None
    if root.tag != SVG_ROOT:
        raise InvalidLogo(f"{said} is XML, but no SVG")
    for each in root.iter():
        tag = str(each.tag).rpartition("}")[2]
        if tag in ACTIVE:
            raise InvalidLogo(f"{said} holds <{tag}>; export it as plain shapes")
        for key, value in each.attrib.items():
            name = key.rpartition("}")[2]
            if (
                name.startswith("on")
                or (name == "href" and not value.startswith("#"))
                or re.search(r"url\(\s*['\"]?(?!#)", value)
            ):
                raise InvalidLogo(
                    f"{said} refers to something outside itself ({name} = {value[:40]!r}); export it as plain shapes"
                )

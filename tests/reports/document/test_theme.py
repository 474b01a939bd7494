import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from reports.document import theme as brand
from reports.document.theme import InvalidLogo, readable, themes_of
from sales.policy.reading import parse_policy
from sales.policy.sections import InvalidPolicy
from tests.fakes import ORGANIZATION, book
from tests.reports.months import MONTH

PLAIN_SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"><title>Acme</title><rect width="10" height="10" fill="#123456"/></svg>'


def themes(folder: Path, policy: str) -> brand.Themes:
    return themes_of(folder, book(policy).for_month(MONTH, ORGANIZATION))


def png(width: int = 10, height: int = 10) -> bytes:
    out = io.BytesIO()
    Image.new("1", (width, height)).save(out, "PNG")
    return out.getvalue()


@given(st.tuples(*[st.integers(0, 255)] * 3))
def test_every_colour_becomes_one_that_can_be_read(channels: tuple[int, int, int]) -> None:
    used = readable("#" + "".join(f"{each:02x}" for each in channels))
    assert brand.contrast([int(used[n : n + 2], 16) for n in (1, 3, 5)]) >= brand.READABLE


def test_contrast_is_that_of_wcag() -> None:
    """Known pairs: black on white is 21, #767676 the lightest grey that passes."""
    assert round(brand.contrast([0, 0, 0]), 2) == 21
    assert round(brand.contrast([0x76] * 3), 2) == 4.54
    assert readable("#767676") == "#767676"
    assert readable("#777777") != "#777777"


def test_a_colour_that_is_too_light_is_darkened_and_said(tmp_path: Path) -> None:
    found = themes(tmp_path, '[brand]\ncolour = "#ffdd00"')
    assert found.warnings == (
        "[brand] colour = #ffdd00 is too light to be read on white (contrast under 4.5); #857300 is printed instead",
    )
    assert found.company.palette.brand == "#857300"
    assert themes(tmp_path, "").warnings == ()


def test_a_team_has_what_it_states_and_the_rest_of_the_company(tmp_path: Path) -> None:
    (tmp_path / "south.svg").write_text(PLAIN_SVG)
    policy = '[brand]\nfooter = "All of us"\npaper = "Letter"\n[brand.teams.South]\nname = "Acme South"\ncolour = "#123456"\nlogo = "south.svg"\n'
    found = themes(tmp_path, policy)
    south = found.of_team("South")
    assert (south.name, south.footer, south.paper, south.palette.brand, south.palette.second) == (
        "Acme South",
        "All of us",
        "Letter",
        "#123456",
        "#337c98",
    )
    assert south.logo is not None
    assert found.of_team("North") == found.company
    assert (found.company.name, found.company.logo) == ("Acme", None)


def test_unknown_keys_of_a_team_are_named() -> None:
    with pytest.raises(
        InvalidPolicy, match=r"unknown key 'color' in \[brand.teams.South\]; did you mean 'colour'"
    ):
        parse_policy('[brand.teams.South]\ncolor = "#123456"', "fy2026.toml")
    with pytest.raises(InvalidPolicy, match="languages"):
        parse_policy('[brand]\nlanguages = ["en", "en"]', "fy2026.toml")


@pytest.mark.parametrize(
    ("logo", "content", "says"),
    [
        ("../outside.png", None, "lies outside the policy folder"),
        ("none.png", None, "is no file of at most"),
        ("a.png", b"\x89PNG\r\n\x1a\n" * 100_000, "is no file of at most"),
        ("a.gif", b"GIF89a", "is neither PNG nor SVG"),
        ("a.png", b"\x89PNG\r\n\x1a\nnonsense", "is a damaged PNG"),
        ("a.png", png()[:-30], "is a damaged PNG"),
        ("a.png", png(5000, 5000), "25,000,000 pixels"),
        ("a.svg", b"<svg", "is a damaged SVG"),
        ("a.svg", b"<html/>", "is XML, but no SVG"),
        (
            "a.svg",
            b'<!DOCTYPE svg [<!ENTITY a "a">]><svg xmlns="http://www.w3.org/2000/svg"/>',
            "declares a document type or entities",
        ),
        (
            "a.svg",
            PLAIN_SVG.replace("<rect", "<script>alert(1)</script><rect").encode(),
            "holds <script>",
        ),
        (
            "a.svg",
            PLAIN_SVG.replace(
                "<rect", '<image href="http://example.invalid/x.png"/><rect'
            ).encode(),
            "holds <image>",
        ),
        (
            "a.svg",
            PLAIN_SVG.replace("<rect", '<use href="file:///etc/passwd"/><rect').encode(),
            "refers to something outside itself",
        ),
        (
            "a.svg",
            PLAIN_SVG.replace("<rect", '<rect onload="alert(1)"').encode(),
            "refers to something outside itself",
        ),
        (
            "a.svg",
            PLAIN_SVG.replace("#123456", "url(http://example.invalid/a)").encode(),
            "refers to something outside itself",
        ),
    ],
)
def test_a_logo_that_cannot_be_printed_is_refused(
    tmp_path: Path, logo: str, content: bytes | None, says: str
) -> None:
    if content is not None:
        (tmp_path / logo).write_bytes(content)
    with pytest.raises(InvalidLogo, match=says):
        themes(tmp_path, f'[brand]\nlogo = "{logo}"')


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [("a.svg", PLAIN_SVG.encode(), "image/svg+xml"), ("a.png", png(), "image/png")],
)
def test_a_plain_logo_is_taken(tmp_path: Path, name: str, content: bytes, kind: str) -> None:
    (tmp_path / name).write_bytes(content)
    logo = themes(tmp_path, f'[brand]\nlogo = "{name}"').company.logo
    assert logo is not None
    assert (logo.content, logo.media_type) == (content, kind)

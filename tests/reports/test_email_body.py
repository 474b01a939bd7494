from reports.email_body import Cover, Said, cover, month_end
from sales.delivery.recipients import Document
from tests.reports.months import HOSTILE, MONTH

SAID = {
    "company.pdf": Said(
        [
            ("April 2026", "€0", "0% of €15k"),
            ("Year to date", "€40k", "67% of €60k"),
            ("Still to win", "€140k", "of €180k for FY2026"),
        ],
        "April 2026 booked €0.",
        ["Ann: Re-date Deal <901> by 14 May 2026."],
    )
}


def made(
    code: str = "en",
    title: str = "Acme: sales at month end",
    *,
    links: dict[str, str] | None = None,
    revision: int = 1,
    is_demo: bool = False,
    has_same_numbers: bool = False,
) -> Cover:
    documents = [Document("company.pdf", "c", "company", "Acme", code, "A4", title)]
    return cover(
        documents,
        SAID,
        month_end(MONTH, "Acme", code),
        code,
        links=links or {},
        is_demo=is_demo,
        revisions={"company.pdf": revision},
        has_same_numbers=has_same_numbers,
    )


def test_a_mail_says_the_three_headline_numbers_as_text_and_as_html() -> None:
    mail = made()
    assert mail.subject == "Acme: April 2026, sales at month end"
    for body in (mail.text, mail.html):
        for words in (
            "Year to date",
            "€40k",
            "67%",
            "Still to win",
            "€140k",
            "April 2026 booked €0.",
            "1 document is attached.",
        ):
            assert words in body
    assert "1. Ann: Re-date Deal <901> by 14 May 2026." in mail.text
    assert "Re-date Deal &lt;901&gt; by 14 May 2026.</li>" in mail.html
    assert "http" not in mail.html


def test_a_mail_is_written_in_the_language_of_its_reader() -> None:
    mail = made("de")
    assert mail.subject == "Acme: April 2026, Vertrieb zum Monatsende"
    assert "1 Dokument ist angehängt." in mail.text
    assert '<html lang="de">' in mail.html


def test_a_revision_is_marked_as_one() -> None:
    mail = made(revision=2)
    assert mail.subject == "Acme: April 2026, revised"
    assert "Revision 2: its last pages say what changed." in mail.text


def test_a_revision_of_words_alone_says_that_no_number_changed() -> None:
    mail = made(revision=3, has_same_numbers=True)
    assert "Revision 3: words or looks changed, no number did." in mail.text
    assert "last pages" not in mail.text


def test_a_document_that_is_too_large_is_linked() -> None:
    mail = made(links={"company.pdf": "https://packs.acme.example/2026-04/company.pdf"})
    assert "Open the document: https://packs.acme.example/2026-04/company.pdf" in mail.text
    assert 'href="https://packs.acme.example/2026-04/company.pdf"' in mail.html
    assert "attached" not in mail.text


def test_a_demonstration_says_so() -> None:
    assert "these figures come from the embedded org" in made(is_demo=True).text


def test_hostile_names_stay_text() -> None:
    for name in HOSTILE:
        html = made(title=name).html
        assert "<script>" not in html
        assert "<img" not in html

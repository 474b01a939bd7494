from reports.email_body import Cover, cover
from sales.delivery.recipients import Document
from tests.reports.months import HOSTILE, MONTH

HEADLINES = {
    "company.pdf": [
        ("Year to date", "€40k", "of €60k phased"),
        ("Attainment", "67%", "quarter to date 0%"),
        ("Still to win", "€140k", "of €180k for FY2026"),
    ]
}


def made(
    code: str = "en",
    title: str = "Acme: sales at month end",
    *,
    links: dict[str, str] | None = None,
    revision: int = 1,
    is_demo: bool = False,
) -> Cover:
    documents = [Document("company.pdf", "c", "company", "Acme", code, "A4", title)]
    return cover(
        documents,
        HEADLINES,
        MONTH,
        "Acme",
        code,
        links=links or {},
        is_demo=is_demo,
        revisions={"company.pdf": revision},
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
            "1 document is attached.",
        ):
            assert words in body
    assert "<" not in mail.text
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

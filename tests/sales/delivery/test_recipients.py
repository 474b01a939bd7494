"""Who gets what: nobody ever gets a page about people they may not see."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sales.delivery.recipients import (
    DirectoryEntry,
    Document,
    InvalidRecipients,
    RecipientBook,
    mailing,
    may_see,
    parse_recipients,
    variants,
)

ANN = DirectoryEntry("005A", "Ann", "ann@acme.example", "North", frozenset())
BOB = DirectoryEntry("005B", "Bob", "bob@acme.example", "South", frozenset())
EVE = DirectoryEntry("005E", "Eve", "Eve@acme.example", "Sales", frozenset({"North"}))
COLLEAGUES = [ANN, BOB, EVE]
DOCUMENTS = [
    Document("company.pdf", "c", "company", "Acme", "en", "A4", "Acme"),
    Document("company.de.pdf", "cd", "company", "Acme", "de", "A4", "Acme"),
    Document("company.letter.pdf", "cl", "company", "Acme", "en", "Letter", "Acme"),
    Document("team-north.pdf", "n", "team", "North", "en", "A4", "North"),
    Document("team-south.pdf", "s", "team", "South", "en", "A4", "South"),
    Document("person-ann.pdf", "a", "person", "005A", "en", "A4", "Ann"),
    Document("person-bob.pdf", "b", "person", "005B", "en", "A4", "Bob"),
    Document("sources-web.pdf", "m", "sources", "Web team", "en", "A4", "Web team"),
    Document("sources-north.pdf", "k", "sources", "North", "en", "A4", "North"),
]
FILE = """
allowed_domains = ["acme.example"]
own_pages = true
led_teams = true

[[recipients]]
address = "md@acme.example"
packs = ["company", "team:South"]
language = "de"
hidden_copies = ["archive@acme.example"]
"""


def files(
    book: RecipientBook, directory: list[DirectoryEntry] = COLLEAGUES
) -> dict[str, list[str]]:
    return {
        bundle.address: [each.file for each in bundle.documents]
        for bundle in mailing(book, directory, DOCUMENTS).bundles
    }


def test_whoever_owns_sources_gets_their_page_by_name_and_no_teams_of_that_name() -> None:
    book = parse_recipients(
        'allowed_domains = ["acme.example"]\n'
        '[[recipients]]\naddress = "web@acme.example"\npacks = ["sources:Web team"]\n'
        '[[recipients]]\naddress = "north@acme.example"\npacks = ["sources:North"]\n'
        '[[recipients]]\naddress = "gone@acme.example"\npacks = ["sources:Gone"]\n'
    )
    assert files(book, []) == {
        "north@acme.example": ["sources-north.pdf"],
        "web@acme.example": ["sources-web.pdf"],
    }
    assert mailing(book, [], DOCUMENTS).warnings == (
        "gone@acme.example: the policy gives no lead source to 'Gone'",
    )
    seen = {
        (address, each.file)
        for address in ("web@acme.example", "north@acme.example", "Eve@acme.example")
        for each in DOCUMENTS
        if may_see(address, each, book, [])
    }
    assert seen == {
        ("web@acme.example", "sources-web.pdf"),
        ("north@acme.example", "sources-north.pdf"),
    }


def test_everybody_gets_what_the_file_and_salesforce_say_in_one_mail() -> None:
    assert files(parse_recipients(FILE)) == {
        "ann@acme.example": ["person-ann.pdf"],
        "bob@acme.example": ["person-bob.pdf"],
        "Eve@acme.example": ["team-north.pdf"],
        "md@acme.example": ["company.de.pdf", "team-south.pdf"],
    }


def test_without_a_file_nobody_gets_anything() -> None:
    assert files(RecipientBook()) == {}


def test_a_language_that_a_document_lacks_falls_back_to_its_main_one() -> None:
    bundles = {
        bundle.address: bundle
        for bundle in mailing(parse_recipients(FILE), COLLEAGUES, DOCUMENTS).bundles
    }
    director = bundles["md@acme.example"]
    assert [(each.file, each.language) for each in director.documents] == [
        ("company.de.pdf", "de"),
        ("team-south.pdf", "en"),
    ]
    assert (director.language, director.hidden_copies) == ("de", ("archive@acme.example",))


def test_paper_is_chosen_too_and_what_is_asked_for_is_printed() -> None:
    book = parse_recipients(FILE.replace('language = "de"', 'paper = "Letter"'))
    assert files(book)["md@acme.example"] == ["company.letter.pdf", "team-south.pdf"]
    assert variants(book, COLLEAGUES) == {
        ("company", None): {(None, "Letter")},
        ("team", "South"): {(None, "Letter")},
    }
    assert variants(parse_recipients(FILE), COLLEAGUES) == {
        ("company", None): {("de", None)},
        ("team", "South"): {("de", None)},
    }


def test_a_shared_mailbox_is_nobodys_own() -> None:
    shared = [ANN, DirectoryEntry("005C", "Cy", "ANN@acme.example", "North", frozenset({"South"}))]
    plan = mailing(parse_recipients(FILE), shared, DOCUMENTS)
    assert "ann@acme.example" not in {bundle.address.casefold() for bundle in plan.bundles}
    assert (
        "ann@acme.example is the address of 2 users: none of their pages goes there"
        in plan.warnings
    )
    assert not any(
        may_see("ann@acme.example", each, parse_recipients(FILE), shared) for each in DOCUMENTS
    )


def test_people_outside_the_allowed_domains_get_nothing_and_it_is_said() -> None:
    plan = mailing(
        parse_recipients(FILE),
        [DirectoryEntry("005A", "Ann", "ann@private.example", "North", frozenset())],
        DOCUMENTS,
    )
    assert [bundle.address for bundle in plan.bundles] == ["md@acme.example"]
    assert plan.warnings == (
        "ann@private.example gets nothing: its domain is none of allowed_domains",
    )


def test_a_team_that_has_no_pack_is_said() -> None:
    plan = mailing(parse_recipients(FILE.replace("South", "West")), COLLEAGUES, DOCUMENTS)
    assert "md@acme.example: there is no pack of a team 'West'" in plan.warnings


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("md@acme.example", "nobody"), "is no e-mail address"),
        (("md@acme.example", "md@acme.example\\\\r\\\\nBcc: x@y.example"), "is no e-mail address"),
        (("md@acme.example", "md@rival.example"), "md@rival.example is in none of allowed_domains"),
        (
            ("archive@acme.example", "archive@rival.example"),
            "archive@rival.example is in none of allowed_domains",
        ),
        (('"company"', '"everything"'), "is no pack"),
        (("own_pages", "own_page"), "own_page"),
        (("[[recipients]]", "[[recipients"), "is not valid TOML"),
    ],
)
def test_a_file_that_cannot_be_followed_is_refused_in_a_sentence(
    change: tuple[str, str], says: str
) -> None:
    with pytest.raises(InvalidRecipients, match=says):
        parse_recipients(FILE.replace(*change))


def test_an_address_is_stated_in_one_place() -> None:
    with pytest.raises(InvalidRecipients, match="is listed more than once"):
        parse_recipients(FILE + '\n[[recipients]]\naddress = "MD@acme.example"\npacks = ["own"]\n')


ADDRESSES = [
    "ann@acme.example",
    "bob@acme.example",
    "eve@acme.example",
    "md@acme.example",
    "x@acme.example",
]
PACKS = st.lists(st.sampled_from(["company", "own", "led", "team:North", "team:South"]), max_size=3)


@given(
    st.dictionaries(st.sampled_from(ADDRESSES), PACKS, max_size=4),
    st.booleans(),
    st.booleans(),
    st.lists(
        st.tuples(
            st.sampled_from(["005A", "005B", "005E"]),
            st.sampled_from(ADDRESSES),
            st.frozensets(st.sampled_from(["North", "South"])),
        ),
        max_size=4,
    ),
)
def test_every_recipient_against_every_document(
    stated: dict[str, list[str]],
    own: bool,  # noqa: FBT001  # drawn by Hypothesis
    led: bool,  # noqa: FBT001  # as above
    users: list[tuple[str, str, frozenset[str]]],
) -> None:
    """What is planned may be seen; and what may be seen is granted by the file, one's own, or of a team that one leads."""
    directory = [
        DirectoryEntry(user, user, address, "North", leads) for user, address, leads in users
    ]
    book = RecipientBook.model_validate(
        {
            "allowed_domains": ["acme.example"],
            "own_pages": own,
            "led_teams": led,
            "recipients": [
                {"address": address, "packs": packs} for address, packs in stated.items()
            ],
        }
    )
    for bundle in mailing(book, directory, DOCUMENTS).bundles:
        assert all(may_see(bundle.address, each, book, directory) for each in bundle.documents)
    for address in ADDRESSES:
        mine = [each for each in directory if each.address == address]
        for document in DOCUMENTS:
            if may_see(address, document, book, directory):
                granted = set(stated.get(address, []))
                by_file = document.kind in granted or f"team:{document.grain_id}" in granted
                by_lead = (
                    document.kind == "team"
                    and len(mine) == 1
                    and document.grain_id in mine[0].leads
                )
                own_page = document.kind == "person" and [each.user_id for each in mine] == [
                    document.grain_id
                ]
                assert by_file or by_lead or own_page

"""Answers that are not what Salesforce documents: a sentence with the request, never a bare word."""

from typing import Any

import pytest

from connectors.salesforce.answers import (
    Deletions,
    Describe,
    Job,
    QueryPage,
    UnexpectedAnswer,
    expect,
    expect_value,
)

PAGE = {"totalSize": 1, "done": True, "records": [{"Id": "006"}], "extra": 1}


def test_an_answer_that_fits_is_returned_as_it_came() -> None:
    assert expect(PAGE, QueryPage, "read Opportunity") is PAGE


@pytest.mark.parametrize(
    ("answer", "model", "place"),
    [
        ({**PAGE, "records": None}, QueryPage, "records"),
        ({**PAGE, "done": "yes"}, QueryPage, "done"),
        ({**PAGE, "totalSize": -1}, QueryPage, "totalSize"),
        ([PAGE], QueryPage, "the answer"),
        (None, QueryPage, "the answer"),
        ({"fields": [{"name": "Id"}]}, Describe, "fields.0.type"),
        ({"state": None}, Job, "state"),
        (
            {
                "earliestDateAvailable": "soon",
                "latestDateCovered": "2026-01-01T00:00:00.000+0000",
                "deletedRecords": [],
            },
            Deletions,
            "earliestDateAvailable",
        ),
    ],
)
def test_another_answer_is_a_sentence(answer: Any, model: Any, place: str) -> None:
    with pytest.raises(
        UnexpectedAnswer, match=rf"asked to look, .*{place}: .*nothing was stored"
    ) as said:
        expect(answer, model, "look")
    assert "\n" not in str(said.value)


def test_a_value_that_is_missing_is_named() -> None:
    assert expect_value([{"oldest": None}], "oldest", "find the first") is None
    for records in ([], [{"other": 1}], [{"oldest": 1}, {"oldest": 2}]):
        with pytest.raises(UnexpectedAnswer, match="find the first.*without 'oldest'"):
            expect_value(records, "oldest", "find the first")

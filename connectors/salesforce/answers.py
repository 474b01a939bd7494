"""What Salesforce's answers must look like to be read; anything else is told by its request, and nothing is stored.

Put the shape of an answer here; what it means is the business of who asked.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from sales.errors import UserError

MOST_SHOWN = 60


class UnexpectedAnswer(UserError, ValueError):
    """Salesforce answered with something else than its documentation says."""


def _instant(text: str) -> str:
    datetime.fromisoformat(text)
    return text


Instant = Annotated[str, AfterValidator(_instant)]


class Answer(BaseModel):
    """An answer, of which more than is named here may be there."""

    model_config = ConfigDict(extra="ignore", strict=True)


class QueryPage(Answer):
    """A page of records; `nextRecordsUrl` leads to the next one unless it is the last."""

    records: list[dict[str, Any]]
    done: bool
    total_size: int = Field(alias="totalSize", ge=0)


class Describe(Answer):
    """The fields of an object."""

    class _Field(Answer):
        name: str
        type: str

    fields_: list[_Field] = Field(alias="fields")


class Deletions(Answer):
    """What was deleted in a span of time, and which span is covered."""

    class _Deleted(Answer):
        id: str
        deleted: Instant = Field(alias="deletedDate")

    earliest: Instant = Field(alias="earliestDateAvailable")
    latest: Instant = Field(alias="latestDateCovered")
    records: list[_Deleted] = Field(alias="deletedRecords")


class JobCreated(Answer):
    """A Bulk job that was made."""

    id: str


class Job(Answer):
    """A Bulk job as it stands; how many records it processed is said of a complete one."""

    state: str
    processed: int | None = Field(default=None, alias="numberRecordsProcessed", ge=0)


class Jobs(Answer):
    """The Bulk jobs of the organisation."""

    class _Listed(Answer):
        id: str
        object: str
        operation: str
        created_by: str = Field(alias="createdById")
        created: str = Field(alias="createdDate")

    records: list[_Listed]


class Identity(Answer):
    """Who is logged in."""

    user_id: str


class Composite(Answer):
    """Several answers in one."""

    class _Part(Answer):
        reference: str = Field(alias="referenceId")
        status: int = Field(alias="httpStatusCode")
        body: Any

    parts: list[_Part] = Field(alias="compositeResponse")


_Answer = TypeVar("_Answer", bound=Answer)


def expect(answer: Any, model: type[_Answer], what: str) -> Any:  # noqa: ANN401  # JSON
    """Return an answer as it came if it looks as its model says; raises `UnexpectedAnswer` with the request and the place."""
    try:
        model.model_validate(answer)
    except ValidationError as wrong:
        first = wrong.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])[:MOST_SHOWN] or "the answer"
        said = first["msg"][:MOST_SHOWN]
        raise UnexpectedAnswer(
            f"asked to {what}, Salesforce answered otherwise than it documents: {place}: {said}; nothing was stored: run again, and report it if it stays"
        ) from None
    return answer


def expect_value(records: list[dict[str, Any]], name: str, what: str) -> Any:  # noqa: ANN401  # JSON
    """Return the one value of an aggregate query; raises `UnexpectedAnswer`."""
    if len(records) != 1 or name not in records[0]:
        raise UnexpectedAnswer(
            f"asked to {what}, Salesforce answered without {name!r}; nothing was stored: run again, and report it if it stays"
        )
    return records[0][name]

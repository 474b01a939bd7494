"""Packs say what their words mean: those that they use, and no others."""

from reports.document.document import MonthEndReport, Section
from reports.sections.glossary import definitions
from sales.contracts.forecast import LandingForecast
from sales.contracts.targets import PhasedTargets
from tests.fakes import frame
from tests.reports.months import reports_of
from tests.reports.sections.test_work import view


def section(report: MonthEndReport, key: str) -> Section | None:
    return next((each for each in report.sections if each.key == key), None)


def heads(points: tuple[str, ...]) -> list[str]:
    return [each.split(":")[0].split(" =")[0] for each in points]


def test_a_teams_pack_ends_with_its_words_and_a_person_reads_them_where_they_stand() -> None:
    reports = {each.kind: each for each in reports_of(17)}
    words = section(reports["team"], "words")
    assert words is not None
    assert reports["team"].sections[-1] == words
    assert heads(words.points) == ["Bookings", "Phased target", "Coverage"]
    assert section(reports["company"], "words") is None, "its last page has them"
    assert section(reports["person"], "words") is None


def test_words_that_nothing_uses_are_left_out() -> None:
    bare = view(
        phased_targets=frame(PhasedTargets, []), landing_forecast=frame(LandingForecast, [])
    )
    assert heads(definitions(bare))[:1] == ["Bookings"]
    assert not {"Phased target", "Coverage"} & set(heads(definitions(bare)))
    assert "From … to, eight in ten" not in heads(definitions(bare))

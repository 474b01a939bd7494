"""What settings mean: stage names, the corporate currency."""

from datetime import date

import pandas as pd
import pyarrow as pa
import pytest

from connectors.salesforce.cells import UnreadableValue, text_table, typed
from connectors.salesforce.objects import STAGES
from connectors.salesforce.small_objects import currency_of, stage_table


@pytest.mark.parametrize(
    ("locale", "currency"),
    [
        ("no_NO", "NOK"),
        ("no_NO_NY", "NOK"),
        ("de_AT_EURO", "EUR"),
        ("th_TH_TH", "THB"),
        ("ja_JP_JP", "JPY"),
        ("ja_JP_JP__calendar_japanese", "JPY"),
        ("zh_TW_STROKE", "TWD"),
        ("uz_LATN_UZ", "UZS"),
        ("es_SV_USD", "USD"),
        ("en_US", "USD"),
        ("bg_BG", "EUR"),
        ("eo", None),
        ("es_419", None),
        ("None", None),
    ],
)
def test_a_locale_tells_the_currency_or_nothing(locale: str, currency: str | None) -> None:
    assert currency_of(locale, date(2026, 11, 1)) == currency


def test_bulgaria_had_its_lev_until_2025() -> None:
    assert currency_of("bg_BG", date(2025, 12, 31)) == "BGN"


def stages(*rows: tuple[str, str, str, str]) -> pd.DataFrame:
    """Return stages as Salesforce lists them: label, API name, closed, won."""
    names = [each.field for each in STAGES.sources]
    records = [
        {
            "Id": f"01J{n:012d}AAA",
            "MasterLabel": label,
            "ApiName": api_name,
            "IsClosed": closed,
            "IsWon": won,
            "IsActive": "true",
        }
        for n, (label, api_name, closed, won) in enumerate(rows)
    ]
    return typed(text_table(records, names), STAGES, STAGES.sources).to_pandas(
        types_mapper=pd.ArrowDtype
    )


def test_a_name_is_an_api_name_before_it_is_a_label() -> None:
    """Labels were rotated: what is called "Won" now is another stage's API name."""
    found = stage_table(
        stages(("Signed", "Won", "true", "true"), ("Won", "Verbal", "false", "false"))
    )
    meaning = {
        name: (bool(closed), bool(won))
        for name, closed, won in found[["stage_name", "is_closed", "is_won"]].itertuples(
            index=False
        )
    }
    assert meaning == {
        "Won": (True, True),
        "Verbal": (False, False),
        "Signed": (True, True),
    }


def test_a_flag_that_is_neither_true_nor_false_is_refused() -> None:
    with pytest.raises(UnreadableValue, match=r"OpportunityStage.IsClosed .*'1' is neither true"):
        stages(("Won", "Won", "1", "true"))
    assert pa.types.is_boolean(stages(("W", "W", "", "true"))["is_closed"].dtype.pyarrow_dtype)

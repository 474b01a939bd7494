"""What cannot be measured is empty: never infinite, and never without its interval."""

from datetime import date

import numpy as np

from sales.calendar import Month
from sales.coverage.required_coverage import jackknife
from tests.fakes import at, deal, extract, saved
from tests.sales.firms import FirmMonth


def test_the_interval_of_a_mean_is_that_of_the_jackknife() -> None:
    """Values 1, 2 and 3: the mean is 2, without one of them 2.5, 2 and 1.5; the error is the root of 2/3 times 0.5."""
    ratio, low, high = jackknife(np.array([2.0]), np.array([[2.5], [2.0], [1.5]]), overlap=1)
    error = 1.2816 * np.sqrt(1 / 3)
    np.testing.assert_allclose([ratio, low, high], [[2.0], [2.0 - error], [2.0 + error]])


def test_a_need_that_rests_on_one_month_end_alone_is_no_need() -> None:
    """Left out, it leaves no conversion: pages would print a need whose interval nobody knows."""
    without = np.array([[np.nan, 2.1], [2.0, 1.9], [2.0, 2.0]])
    ratio, low, high = jackknife(np.array([2.0, 2.0]), without, overlap=3)
    assert np.isnan([ratio[0], low[0], high[0]]).all()
    assert np.isfinite([ratio[1], low[1], high[1]]).all()


def first_month_on_salesforce() -> FirmMonth:
    """Twenty deals keyed in during March, five of them won in March."""
    march = {"created_at": at("2023-03-02 10:00")}
    deals, history = [], []
    for number in range(1, 21):
        won = {"stage_name": "Won", "close_date": date(2023, 3, 20)} if number <= 5 else {}
        deals.append(deal(number, **march, **won))
        history.append(saved(number, "2023-03-02 10:00", amount=1000))
        if won:
            history.append(saved(number, "2023-03-20 10:00", amount=1000, **won))
    return FirmMonth(extract(deals, history), Month(2023, 3), annual_target=60_000)


def test_where_no_conversion_was_ever_measured_nothing_is_needed_of_a_source() -> None:
    table = first_month_on_salesforce().generation
    assert table["required"].isna().all()
    assert table["conversion"].isna().all()
    assert table.loc[table["month"] == "2023-03", "created"].astype(float).sum() == 20_000

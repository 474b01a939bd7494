"""Chances are learned once and read back as they were learned, to the last bit."""

from dataclasses import fields

import numpy as np

from sales import arrow as columns
from sales.coverage.deal_chances import CHANCES, deal_chances, forecast_basis_of
from sales.statistics.deal_outcomes import forecast_basis
from tests.sales.firms import MONTH, FirmMonth
from tests.sales.forecast.test_landing_forecast import firm_month, without


def test_what_is_read_back_is_what_was_learned() -> None:
    one = firm_month()
    learned = forecast_basis(one.known).deals
    read = forecast_basis_of(one.known, one.chances.sample(frac=1, random_state=1)).deals
    assert learned is not None
    assert read is not None
    for each in fields(learned):
        if each.name != "deals":
            np.testing.assert_array_equal(getattr(read, each.name), getattr(learned, each.name))
    assert read.win.flags.c_contiguous == learned.win.flags.c_contiguous
    assert read.deals is one.known.now


def test_no_deal_is_booked_twice() -> None:
    chances = firm_month().chances
    assert len(chances) == len(firm_month().known.now) > 0
    assert (chances[CHANCES].sum(axis=1) <= 1 + 1e-9).all()


def test_no_open_deal_and_too_short_a_past_are_different_answers() -> None:
    one = firm_month()
    is_open = columns.booleans(one.snapshot["is_open"])
    bare = FirmMonth(without(one.extract, set(one.snapshot.loc[is_open, "opportunity_id"])), MONTH)
    assert bare.chances.empty
    assert bare.forecast_basis.deals is not None
    known = one.point_in_time.known_at(one.point_in_time.first_month + 3)
    learned = forecast_basis(known)
    assert learned.deals is None
    table = deal_chances(learned, MONTH, one.rules, one.extract.extracted_at)
    assert table.empty
    assert forecast_basis_of(known, table).deals is None


def test_chances_that_do_not_know_every_open_deal_are_learned_anew() -> None:
    """They are of another extract: a deal without a row must not get another one's chances."""
    one = firm_month()
    read, learned = forecast_basis_of(one.known, one.chances.iloc[:-3]), forecast_basis(one.known)
    assert read.deals is not None
    assert learned.deals is not None
    np.testing.assert_array_equal(read.deals.win, learned.deals.win)

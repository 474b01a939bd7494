import pandas as pd
import pytest

from sales.contracts import published as tables
from tests.fakes import frame, target


def test_a_frame_that_breaks_its_contract_is_refused_with_the_column() -> None:
    good = frame(tables.RawTargets, [target("005A", 1)])
    assert tables.checked(good, tables.RawTargets) is not None
    with pytest.raises(tables.BrokenContract, match="annual_target"):
        tables.checked(good.assign(annual_target=1.5), tables.RawTargets)
    with pytest.raises(tables.BrokenContract, match="owner_id"):
        tables.checked(
            frame(tables.RawTargets, [target("005A", 1) | {"owner_id": None}]), tables.RawTargets
        )
    with pytest.raises(tables.BrokenContract, match="RawTargets"):
        tables.checked(good.drop(columns="owner_id"), tables.RawTargets)
    with pytest.raises(tables.BrokenContract):
        tables.checked(pd.concat([good, good], ignore_index=True), tables.RawTargets)


def test_every_column_says_what_it_means_and_instants_come_last() -> None:
    for name, contract in tables.MONTHLY.items():
        meanings = tables.descriptions(contract)
        assert all(meaning not in {"", "None"} for meaning in meanings.values()), name
        assert list(meanings)[-2:] == ["as_of", "extracted_at"]
        assert tables.month_column(name) in meanings

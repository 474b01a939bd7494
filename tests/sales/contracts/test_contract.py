import pandas as pd
import pytest

from sales.contracts.contract import BrokenContract, checked, descriptions
from sales.contracts.published import MONTHLY, month_column
from sales.contracts.raw import RawTargets
from tests.fakes import frame, target


def test_a_frame_that_breaks_its_contract_is_refused_with_the_column() -> None:
    good = frame(RawTargets, [target("005A", 1)])
    assert checked(good, RawTargets) is not None
    with pytest.raises(BrokenContract, match="annual_target"):
        checked(good.assign(annual_target=1.5), RawTargets)
    with pytest.raises(BrokenContract, match="owner_id"):
        checked(frame(RawTargets, [target("005A", 1) | {"owner_id": None}]), RawTargets)
    with pytest.raises(BrokenContract, match="RawTargets"):
        checked(good.drop(columns="owner_id"), RawTargets)
    with pytest.raises(BrokenContract):
        checked(pd.concat([good, good], ignore_index=True), RawTargets)


def test_every_column_says_what_it_means_and_instants_come_last() -> None:
    for name, contract in MONTHLY.items():
        meanings = descriptions(contract)
        assert all(meaning not in {"", "None"} for meaning in meanings.values()), name
        assert list(meanings)[-2:] == ["as_of", "extracted_at"]
        assert month_column(name) in meanings

"""How changes are written on the terminal."""

import pandas as pd
import pytest

from app.cli.scenarios import UnreadableChange, _client


def test_a_client_is_named_by_name_or_id_and_nobody_else_is() -> None:
    snapshot = pd.DataFrame(
        {
            "account_id": ["001A", "001B", "001C", None],
            "account_name": ["Client", "Twin", "twin", None],
        }
    )
    assert _client("client", snapshot) == "001A"
    assert _client("001B", snapshot) == "001B"
    for text, words in (
        ("Clyent", "'Clyent' is no client in Salesforce at that month end; did you mean 'Client'"),
        ("Nobody we know", "use the name or id of a client"),
        ("Twin", "'Twin' is the name of 2 clients; use the id of one: 001B, 001C"),
    ):
        with pytest.raises(UnreadableChange, match=words):
            _client(text, snapshot)

from pathlib import Path

import pytest

from connectors.policy.folder import read_policies
from sales.policy.sections import InvalidPolicy


def test_files_are_read_by_their_year(tmp_path: Path) -> None:
    (tmp_path / "fy2026.toml").write_text("[phasing]\ncap = 1.5\n", encoding="utf-8")
    (tmp_path / "fy2027.toml").write_text("", encoding="utf-8")
    book = read_policies(tmp_path)
    assert sorted(book.policies) == [2026, 2027]
    assert str(book.policies[2026].phasing.cap) == "1.5"


def test_a_folder_or_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    assert read_policies(tmp_path / "none").policies == {}, "without a folder the defaults hold"
    (tmp_path / "2026.toml").write_text("", encoding="utf-8")
    with pytest.raises(
        InvalidPolicy, match="2026.toml is not a policy file; name it after its fiscal year"
    ):
        read_policies(tmp_path)
    (tmp_path / "2026.toml").rename(tmp_path / "fy2026.toml")
    (tmp_path / "fy2026.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidPolicy, match="not UTF-8"):
        read_policies(tmp_path)
    (tmp_path / "fy2026.toml").write_bytes(b"#" * 2_000_000)
    with pytest.raises(InvalidPolicy, match="larger than"):
        read_policies(tmp_path)

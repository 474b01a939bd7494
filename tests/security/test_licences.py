"""Everything that a user installs may be used and passed on by a firm, and stands in the bill of materials."""

import re
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from tests.security.licences import licences, of_users, written

pytestmark = pytest.mark.slow

# Permissive ones, and those that ask for their own source only; what is dynamically linked may be LGPL.
USABLE = re.compile(
    r"MIT|Apache|BSD|ISC|PSF|Python|MPL|Mozilla|Unlicense|0BSD|Zlib|CC0|LGPL|Lesser General|HPND"
)
# Those that state nothing where cyclonedx-py looks; read by hand.
READ_BY_HAND = {
    "antlr4-python3-runtime",
    "protobuf",
    "pypdfium2",
    "onpace",
}  # BSD, BSD, BSD or Apache


def test_what_users_install_has_licences_that_firms_can_use(tmp_path: Path) -> None:
    components = {canonicalize_name(each["name"]): each for each in written(tmp_path / "sbom.json")}
    users = of_users()
    assert {"dagster", "pandas", "weasyprint", "simple-salesforce", "psycopg2-binary"} <= users
    assert "hypothesis" not in users
    for name in sorted(users & components.keys() - READ_BY_HAND):
        stated = licences(components[name])
        assert any(USABLE.search(each) for each in stated), (name, stated)
    assert all(each["version"] for each in components.values())

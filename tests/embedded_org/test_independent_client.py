"""The org answers clients that we did not write."""

import json
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from embedded_org.company import company
from embedded_org.objects import Org
from embedded_org.server import OrgServer, serving
from embedded_org.sessions import DEFAULT_CREDENTIAL
from embedded_org.soql import SoqlError, translate

CLIENTS = Path(__file__).parents[1] / "clients"


@pytest.mark.skipif(
    shutil.which("node") is None or not (CLIENTS / "node_modules" / "jsforce").exists(),
    reason="jsforce is not installed: make clients",
)
def test_jsforce_reads_pages_deleted_records_and_bulk() -> None:
    firm = company(5, (2026, 2))
    org = firm.org()
    org.now = lambda: datetime(2026, 2, 21, tzinfo=UTC)
    with serving(OrgServer(org)) as address:
        command = ["node", "query.mjs", address, DEFAULT_CREDENTIAL, DEFAULT_CREDENTIAL]
        done = subprocess.run(
            command, cwd=CLIENTS, capture_output=True, text=True, timeout=120, check=False
        )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    rows = firm.objects()["Opportunity"]
    live = [row for row in rows if not row["IsDeleted"]]
    assert (seen["visible"], seen["total"], seen["everything"]) == (len(live), len(live), len(rows))
    assert len(rows) > 2_000  # more than one page
    assert seen["bulk"] == len(live)
    assert sorted(seen["names"]) == sorted(str(row["Name"]) for row in live)
    assert seen["first"]["Owner"]["Name"]
    assert set(seen["fields"]) == set(rows[0])
    window = [row for row in rows if "2026-02-08" <= str(row["SystemModstamp"]) < "2026-02-20"]
    assert seen["deleted"] == sum(1 for row in window if row["IsDeleted"])
    assert seen["updated"] == sum(1 for row in window if not row["IsDeleted"])
    assert (seen["requests"], seen["refused"]) == (15_000, "INVALID_FIELD")


NODE_IS_MISSING = shutil.which("node") is None or not (CLIENTS / "node_modules").exists()
AIRBYTE = CLIENTS / ".venv" / "bin" / "python"
# Each with what its name is called in the company; Organization is read by REST, the rest by Bulk.
STREAMS = [
    "Opportunity",
    "OpportunityHistory",
    "OpportunityFieldHistory",
    "User",
    "Account",
    "OpportunityStage",
    "Organization",
    "UserRole:rest",
]


@pytest.mark.skipif(
    not AIRBYTE.exists(), reason="Airbyte's connector is not installed: make clients"
)
def test_airbytes_connector_checks_and_reads_every_object(tmp_path: Path) -> None:
    firm = company(5, (2026, 2))
    with serving(OrgServer(firm.org(), bulk_page=1_000)) as address:
        command = [str(AIRBYTE), str(CLIENTS / "read_all.py"), address, str(tmp_path), *STREAMS]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    held = firm.objects()
    for name in (each.partition(":")[0] for each in STREAMS):
        lines = (tmp_path / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
        read = {record["Id"]: record for record in map(json.loads, lines)}
        assert len(lines) == len(held[name]) == len(read), name
        text = [
            field
            for field, value in held[name][0].items()
            if isinstance(value, str) and not field.endswith(("Date", "Modstamp"))
        ]
        for row in held[name]:
            assert {field: read[str(row["Id"])].get(field) or None for field in text} == {
                field: row[field] or None for field in text
            }


@pytest.mark.skipif(NODE_IS_MISSING, reason="the SOQL oracle is not installed: make clients")
def test_queries_are_valid_exactly_where_an_independent_grammar_says_so() -> None:
    corpus = json.loads((CLIENTS / "soql.json").read_text(encoding="utf-8"))
    queries = [*corpus["valid"], *corpus["invalid"]]
    done = subprocess.run(
        ["node", "soql.mjs"],
        cwd=CLIENTS,
        input=json.dumps(queries),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    oracle = dict(zip(queries, json.loads(done.stdout), strict=True))
    org = company(5, (2026, 2)).org()
    ours = {query: _is_well_formed(query, org) for query in queries}
    differ = {query for query in queries if ours[query] != oracle[query]}
    # An alias before GROUP BY is the one valid query that is refused: it would hide misspelt
    # keywords.
    assert differ <= {
        query for query in corpus["valid"] if query.startswith("SELECT StageName stage")
    }
    assert len(queries) > 150


def _is_well_formed(query: str, org: Org) -> bool:
    try:
        translate(query, org, include_deleted=False)
    except SoqlError as refused:
        return refused.code != "MALFORMED_QUERY"
    return True

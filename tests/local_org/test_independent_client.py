"""The org answers a client that we did not write."""

import json
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from local_org.company import company
from local_org.server import OrgServer, serving
from local_org.sessions import DEFAULT_CREDENTIAL

CLIENTS = Path(__file__).parents[1] / "clients"


@pytest.mark.skipif(
    shutil.which("node") is None or not (CLIENTS / "node_modules" / "jsforce").exists(), reason="jsforce is not installed: make clients"
)
def test_jsforce_reads_pages_deleted_records_and_bulk() -> None:
    firm = company(5, (2026, 2))
    org = firm.org()
    org.now = lambda: datetime(2026, 2, 21, tzinfo=UTC)
    with serving(OrgServer(org)) as address:
        command = ["node", "query.mjs", address, DEFAULT_CREDENTIAL, DEFAULT_CREDENTIAL]
        done = subprocess.run(command, cwd=CLIENTS, capture_output=True, text=True, timeout=120, check=False)
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

"""A limit of memory that is too low is said before any work."""

import resource
import subprocess
import sys
from pathlib import Path

from app.limits import LEAST_ADDRESSES

ONPACE = Path(sys.executable).with_name("onpace")


def test_too_little_memory_is_one_sentence(tmp_path: Path) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (LEAST_ADDRESSES - 1, resource.RLIM_INFINITY))

    done = subprocess.run(
        [str(ONPACE), "report", "2026-01"],
        env={"ONPACE_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=limit,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "onpace: this process may use 4095 MB of addresses, and 4096 are needed; "
        "raise the limit with `ulimit -v unlimited`\n"
    )
    assert not (tmp_path / "home").exists()

"""What is installed is one package, with all that it reads, and runs."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    copy = folder / "source"
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    for name in filter(None, listed.stdout.decode().split("\0")):
        if not name.startswith(("tests/", "docs/", "benchmarks/")) and (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            (copy / name).write_bytes((ROOT / name).read_bytes())
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "-w", folder, copy], check=True, timeout=120)
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        wheel.extractall(folder / "site")
    return folder / "site"


def test_one_name_is_installed(unpacked: Path) -> None:
    assert {path.name.split("-")[0] for path in unpacked.iterdir()} == {"onpace"}


@pytest.mark.parametrize(
    "name",
    [
        "dagster.yaml",
        "workspace.yaml",
        "policy/fy2026.toml",
        "reports/templates/fonts/SourceSans3-Regular.ttf",
        "reports/translations/de.po",
        "connectors/storage/catalogue_versions/versions/first.py",
        "py.typed",
    ],
)
def test_it_carries_what_it_reads(unpacked: Path, name: str) -> None:
    assert (unpacked / "onpace" / name).is_file()


def test_it_runs_from_an_empty_place_and_writes_with_the_user(
    unpacked: Path, tmp_path: Path
) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path / "user"),
        "PYTHONPATH": str(unpacked),
    }
    (tmp_path / "user").mkdir()
    command = [sys.executable, "-m", "onpace", "export", "2026-01"]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, "run `onpace report 2026-01` first" in done.stderr) == (1, True), done
    where = [
        sys.executable,
        "-c",
        "import onpace, sys; sys.argv = ['onpace', '--help']; onpace.main()",
    ]
    done = subprocess.run(where, cwd=tmp_path, env=environment, capture_output=True, check=False)
    assert done.returncode == 0
    assert not list((unpacked / "onpace").rglob("data"))

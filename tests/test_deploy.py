"""What deploy/ says is tested for truth: files parse, programs know their words, variables have a reader."""

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml
from dagster._cli import create_dagster_cli
from dagster._daemon.cli import create_dagster_daemon_cli
from dagster_webserver.cli import dagster_webserver
from typer.main import get_command

from app.cli.app import app
from app.server.metrics import exposition
from orchestration.variables import VARIABLES
from tests.app.server.homes import new_home

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
VALUES = yaml.safe_load((DEPLOY / "helm" / "values.yaml").read_text(encoding="utf-8"))
INSTANCE = yaml.safe_load((DEPLOY / "dagster.yaml").read_text(encoding="utf-8"))
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
PROGRAMS = {
    "dagster": create_dagster_cli(),
    "dagster-daemon": create_dagster_daemon_cli(),
    "dagster-webserver": dagster_webserver,
    "onpace": get_command(app),
}
OURS = {variable.name for variable in VARIABLES}
OF_DAGSTER = {"DAGSTER_HOME", "DAGSTER_PG_PASSWORD"} | {
    f"DAGSTER_POSTGRES_{name}" for name in ("HOST", "DB", "USER", "PASSWORD")
}
OF_POSTGRESQL = {"POSTGRES_DB", "POSTGRES_USER", "POSTGRES_PASSWORD"}


def commands() -> Iterator[list[str]]:
    """Yield every command line of ours that deploy/ names."""
    for service in COMPOSE["services"].values():
        yield from (
            words
            for words in (
                service.get("command"),
                service.get("healthcheck", {}).get("test", [None])[1:],
            )
            if words
        )
    for unit in UNITS:
        yield from (
            shlex.split(line)
            for line in re.findall(
                r"^ExecStart=(.+)$", unit.read_text(encoding="utf-8"), re.MULTILINE
            )
        )
    for each in VALUES["dagster-user-deployments"]["deployments"]:
        yield ["dagster", "api", "grpc", "-p", str(each["port"]), *each["dagsterApiGrpcArgs"]]
    yield VALUES["extraManifests"][0]["spec"]["template"]["spec"]["containers"][0]["command"]


OUR_COMMANDS = [words for words in commands() if Path(words[0]).name in PROGRAMS]


@pytest.mark.parametrize("words", OUR_COMMANDS, ids=" ".join)
def test_a_program_knows_every_word_that_it_is_given(words: list[str]) -> None:
    """Parsed as the program itself would, without running it."""
    command, arguments = PROGRAMS[Path(words[0]).name], words[1:]
    context = click.Context(command, info_name=words[0])
    while isinstance(command, click.Group) and arguments:
        name, found, arguments = command.resolve_command(context, arguments)
        assert found is not None, name
        command, context = found, click.Context(found, info_name=name, parent=context)
    command.parse_args(
        context, [str(each).replace("/opt/onpace/", f"{ROOT}/") for each in arguments]
    )


def test_every_part_is_started_somewhere() -> None:
    assert {Path(words[0]).name for words in OUR_COMMANDS} == set(PROGRAMS)
    assert [unit.stem for unit in UNITS] == ["onpace-daemon", "onpace-front", "onpace-webserver"]


@pytest.mark.parametrize(
    "path", [path for path in DEPLOY.rglob("*") if path.is_file()], ids=lambda path: path.name
)
def test_every_variable_is_read_by_us_or_dagster_or_postgresql(path: Path) -> None:
    named = set(
        re.findall(
            r"\b(?:ONPACE|DAGSTER|POSTGRES|SALESFORCE|SMTP|SLACK)_[A-Z_]*[A-Z]\b",
            path.read_text(encoding="utf-8"),
        )
    )
    assert named <= OURS | OF_DAGSTER | OF_POSTGRESQL


def test_nothing_but_the_proxy_listens_to_others() -> None:
    for name, service in COMPOSE["services"].items():
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:") or name == "proxy", (name, port)
    for unit in UNITS:
        assert not re.search(r"0\.0\.0\.0|(?<!\d)::(?!\d)", unit.read_text(encoding="utf-8")), (
            unit.name
        )


def test_the_port_of_the_code_is_reached_by_webserver_and_daemon_only() -> None:
    """Dagster's gRPC has no login."""
    networks = {name: set(each["networks"]) for name, each in COMPOSE["services"].items()}
    assert {name for name, its in networks.items() if "grpc" in its} == {
        "code",
        "webserver",
        "readers",
        "daemon",
    }
    assert "proxied" not in networks["code"] | networks["postgresql"] | networks["daemon"]
    assert COMPOSE["networks"]["grpc"] == COMPOSE["networks"]["data"] == {"internal": True}
    policies = {
        each["metadata"]["name"]: each["spec"]
        for each in VALUES["extraManifests"]
        if each["kind"] == "NetworkPolicy"
    }
    [source] = policies["onpace-code"]["ingress"][0]["from"]
    [asking] = source["podSelector"]["matchExpressions"]
    ui = {"dagster-webserver", "dagster-webserver-read-only"}
    assert set(asking["values"]) == ui | {"dagster-daemon"}
    [served] = policies["onpace-webserver"]["podSelector"]["matchExpressions"]
    assert set(served["values"]) == ui
    assert set(policies) == {"onpace-code", "onpace-front", "onpace-webserver"}
    assert VALUES["postgresql"]["postgresqlParams"] == {"sslmode": "require"}


def test_whoever_starts_the_ui_starts_it_behind_the_guard() -> None:
    shim = DEPLOY / "bin" / "dagster-webserver"
    assert shim.stat().st_mode & 0o111
    asked = subprocess.run(
        [str(shim), "--help"], capture_output=True, text=True, check=True, timeout=120
    )
    assert "--read-only" in asked.stdout
    assert "app.server.webserver" in shim.read_text(encoding="utf-8")
    image = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    path = re.search(r"PATH=(\S+):\$PATH", image)
    assert path is not None
    assert path[1].split(":")[0] == "/opt/onpace/deploy/bin"
    taken = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8")
    assert "!deploy/bin" in taken.split()
    unit = (DEPLOY / "systemd" / "onpace-webserver.service").read_text(encoding="utf-8")
    assert "ExecStart=/opt/onpace/deploy/bin/dagster-webserver" in unit
    served = [each for each in COMPOSE["services"].values() if "ONPACE_UI_URL" in str(each)]
    assert len(served) >= 2


def test_no_secret_is_written_down() -> None:
    example = (DEPLOY / "production.env.example").read_text(encoding="utf-8")
    secret = {variable.name for variable in VARIABLES if variable.is_secret} | {
        "DAGSTER_POSTGRES_PASSWORD"
    }
    for name, value in re.findall(r"^([A-Z_]+)=(.*)$", example, re.MULTILINE):
        assert not (name in secret and value), name
    database = INSTANCE["storage"]["postgres"]["postgres_db"]
    assert all(
        set(database[name]) == {"env"} for name in ("hostname", "db_name", "username", "password")
    )
    assert "password" not in (DEPLOY / "Dockerfile").read_text(encoding="utf-8").lower()


def test_production_limits_runs_as_one_machine_does() -> None:
    embedded = yaml.safe_load((ROOT / "dagster.yaml").read_text(encoding="utf-8"))
    assert all(INSTANCE[section] == embedded[section] for section in embedded)
    runs = VALUES["concurrency"]["runs"]
    assert (runs["maxConcurrentRuns"], runs["tagConcurrencyLimits"]) == tuple(
        embedded["concurrency"]["runs"].values()
    )


def test_the_image_has_the_libraries_and_the_rooms() -> None:
    image = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    libraries = re.search(
        r"^LIBRARIES := (.+)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert libraries is not None
    assert libraries[1] in image
    assert "--require-hashes" in image
    assert "USER onpace" in image
    taken = re.findall(
        r"^!(.+)$", (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert {
        "sales",
        "connectors",
        "reports",
        "assets",
        "orchestration",
        "embedded_org",
        "requirements.lock",
    } <= set(taken)
    assert all((ROOT / each).exists() for each in taken)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_unit_is_one_that_systemd_takes_and_is_confined(unit: Path, tmp_path: Path) -> None:
    analyse = shutil.which("systemd-analyze")
    if analyse is None:
        pytest.skip("there is no systemd-analyze on this machine")
    # Programs of an installed system are not here; the rest is judged as it is.
    copy = tmp_path / unit.name
    copy.write_text(
        re.sub(
            r"^ExecStart=\S+",
            "ExecStart=/bin/true",
            unit.read_text(encoding="utf-8"),
            flags=re.MULTILINE,
        ),
        encoding="utf-8",
    )
    judged = subprocess.run(
        [analyse, "verify", str(copy)], capture_output=True, text=True, check=False, timeout=60
    )
    assert (
        judged.returncode,
        [line for line in judged.stderr.splitlines() if unit.name in line],
    ) == (0, [])
    exposed = subprocess.run(
        [analyse, "security", "--offline=true", "--threshold=20", str(copy)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert exposed.returncode == 0, exposed.stdout[-500:]


def test_alerts_name_figures_that_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")
    alerts = re.search(r"```promql\n(.+?)```", page, re.DOTALL)
    assert alerts is not None
    new_home(tmp_path, monkeypatch)
    there = set(re.findall(r"^# TYPE (\w+)", exposition().decode(), re.MULTILINE))
    assert set(re.findall(r"onpace_\w+", alerts[1])) <= there

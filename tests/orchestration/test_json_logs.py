import json
import logging
from pathlib import Path

import dagster as dg
import pytest
from typer.testing import CliRunner

from app.cli import app as cli
from app.console import err
from orchestration import variables
from orchestration.definitions import defs
from orchestration.json_logs import json_formatter
from orchestration.loggers import terminal_logger


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for variable in variables.VARIABLES:
        monkeypatch.delenv(variable.name, raising=False)
    monkeypatch.setenv("DAGSTER_HOME", "")
    monkeypatch.setenv("ONPACE_HOME", str(tmp_path))


@dg.op
def work(context: dg.OpExecutionContext) -> None:
    context.log.info("17 documents")


@dg.job(logger_defs={"terminal": terminal_logger, "console": defs.loggers["console"]})
def a_job() -> None:
    work()


def run_with(logger: str) -> str:
    return a_job.execute_in_process(run_config={"loggers": {logger: {}}}).run_id


def test_progress_is_one_object_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ONPACE_LOG_FORMAT", "json")
    run_id = run_with("terminal")
    said, done = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert (said["message"], said["step"], said["level"], said["run_id"]) == (
        "17 documents",
        "work",
        "info",
        run_id,
    )
    assert (done["message"], done["step"], done["seconds"] >= 0) == ("step done", "work", True)


def test_progress_is_for_people_unless_asked(capsys: pytest.CaptureFixture[str]) -> None:
    run_with("terminal")
    assert "17 documents" in (told := capsys.readouterr().err)
    assert "{" not in told


def test_the_console_of_the_code_location_speaks_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ONPACE_LOG_FORMAT", "json")
    run_with("console")
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert "17 documents" in [line["dagster_meta"]["orig_message"] for line in lines]


@pytest.mark.parametrize("job", ["month_end", "restatement"])
def test_runs_of_schedules_and_backfills_use_that_console(job: str) -> None:
    """Dagster falls back to a logger of its own where no run names one."""
    config = defs.resolve_job_def(job).partitioned_config
    assert config is not None
    assert config.get_run_config_for_partition_key("2026-04")["loggers"] == {
        "console": {"config": {}}
    }


def test_a_fault_is_an_error_line_and_a_word_in_brackets_is_kept(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ONPACE_LOG_FORMAT", "json")
    err.print("[bold]2026-04[/bold] from there")
    err.print("onpace: [brand] is :smile: wrong", markup=False)
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(line["level"], line["message"]) for line in lines] == [
        ("info", "2026-04 from there"),
        ("error", "[brand] is :smile: wrong"),
    ]


def test_a_format_that_is_none_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONPACE_LOG_FORMAT", "xml")
    told = CliRunner().invoke(cli.app, ["health"])
    assert (told.exit_code, told.stderr) == (
        1,
        "onpace: ONPACE_LOG_FORMAT 'xml' is neither text nor json; correct it\n",
    )


def test_a_trace_stays_in_its_line() -> None:
    try:
        Path("/none/such").read_text(encoding="utf-8")
    except OSError as fault:
        record = logging.LogRecord(
            "uvicorn.error",
            logging.ERROR,
            "",
            0,
            "it %s",
            ("failed",),
            (type(fault), fault, fault.__traceback__),
        )
    line = json_formatter().format(record)
    assert "\n" not in line
    found = json.loads(line)
    assert (found["message"], found["logger"], "No such file" in found["exception"]) == (
        "it failed",
        "uvicorn.error",
        True,
    )

"""Progress of a run on the terminal: one line for each step that ends, and what the steps say; for people, or as JSON."""

from __future__ import annotations

import logging
import sys
from typing import Any

import dagster as dg

from orchestration import settings
from orchestration.json_logs import json_line


class _StepLines(logging.Handler):
    """Prints steps as they end, and what assets say while they work."""

    def emit(self, record: logging.LogRecord) -> None:
        meta: dict[str, Any] = getattr(record, "dagster_meta", {}) or {}
        event = meta.get("dagster_event")
        if event is None:
            if record.levelno >= logging.INFO and meta.get("orig_message"):
                _line(f"    {meta['orig_message']}")
        elif event.event_type_value == "STEP_SUCCESS":
            seconds = event.event_specific_data.duration_ms / 1000
            _line(f"  ✓ {event.step_key.replace('__', ' ')} {seconds:.1f} s")
        elif event.event_type_value == "STEP_FAILURE":
            _line(f"  ✗ {event.step_key}")


class _JsonStepLines(logging.Handler):
    """The same as JSON, one object a line."""

    def emit(self, record: logging.LogRecord) -> None:
        meta: dict[str, Any] = getattr(record, "dagster_meta", {}) or {}
        event = meta.get("dagster_event")
        facts = {"run_id": meta.get("run_id"), "step": meta.get("step_key")}
        if event is None:
            if record.levelno >= logging.INFO and meta.get("orig_message"):
                _write(record.levelname.lower(), str(meta["orig_message"]), facts)
        elif event.event_type_value == "STEP_SUCCESS":
            _write(
                "info",
                "step done",
                facts | {"seconds": round(event.event_specific_data.duration_ms / 1000, 3)},
            )
        elif event.event_type_value == "STEP_FAILURE":
            _write("error", "step failed", facts)


def _line(text: str) -> None:
    sys.stderr.write(text + "\n")


def _write(level: str, message: str, facts: dict[str, Any]) -> None:
    sys.stderr.write(json_line(level, message, **facts) + "\n")


def _terminal_logger(_: dg.InitLoggerContext) -> logging.Logger:
    """Return a logger that prints progress only."""
    logger = logging.Logger("onpace.terminal", logging.DEBUG)  # noqa: LOG001  # Dagster wants a fresh one a run
    logger.addHandler(_JsonStepLines() if settings.log_format() == settings.JSON else _StepLines())
    return logger


terminal_logger = dg.LoggerDefinition(
    _terminal_logger, description="Progress on the terminal, without the engine's own events."
)


def _console_logger(context: dg.InitLoggerContext) -> logging.Logger:
    """Return Dagster's logger in colours or in JSON; asked when a run begins, so definitions load whatever is set."""
    chosen = (
        dg.json_console_logger
        if settings.log_format() == settings.JSON
        else dg.colored_console_logger
    )
    return chosen.logger_fn(context)


console_logger = dg.LoggerDefinition(
    _console_logger,
    dg.colored_console_logger.config_schema,
    description="The log of a run on the console, as ONPACE_LOG_FORMAT says.",
)

"""Lines of logs as JSON objects, for a collector of logs.

Put the shape of a line here: `time`, `level`, `message`, and facts by name. Where lines come from
is elsewhere.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime

import dagster as dg

from orchestration import settings


def wants_json() -> bool:
    """Return whether settings ask for JSON; what is wrong there is said by `settings.log_format`."""
    return settings.value_of("ONPACE_LOG_FORMAT") == settings.JSON


def json_line(level: str, message: str, **facts: object) -> str:
    """Return a line; facts that are empty are left out."""
    known = {name: value for name, value in facts.items() if value not in (None, "")}
    return json.dumps(
        {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "level": level,
            "message": message,
            **known,
        },
        ensure_ascii=False,
    )


def say(line: str) -> None:
    """Tell whoever started this process a line that is no result: on the error stream, as text or JSON."""
    sys.stderr.write((json_line("info", line) if wants_json() else line) + "\n")


class JsonLines(logging.Formatter):
    """Formats what Python's loggers say."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as one line; a trace keeps its lines inside of it."""
        trace = self.formatException(record.exc_info) if record.exc_info else ""
        return json_line(
            record.levelname.lower(), record.getMessage(), logger=record.name, trace=trace
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

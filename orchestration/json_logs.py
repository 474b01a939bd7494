"""Lines of logs as JSON objects, for a collector of logs.

Put the shape of a line here: `time`, `level`, `message`, and facts by name. Where lines come from
is elsewhere.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from typing import Any

import structlog

from orchestration import settings


def wants_json() -> bool:
    """Return whether settings ask for JSON; what is wrong there is said by `settings.log_format`."""
    return settings.value_of("ONPACE_LOG_FORMAT") == settings.JSON


# What every line goes through, wherever it comes from.
_LINE: tuple[Callable[..., Any], ...] = (
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
    structlog.processors.format_exc_info,
    structlog.processors.EventRenamer("message"),
    structlog.processors.JSONRenderer(ensure_ascii=False),
)


def json_line(level: str, message: str, **facts: object) -> str:
    """Return a line; facts that are empty are left out."""
    known = {name: value for name, value in facts.items() if value not in (None, "")}
    line: Any = {"event": message, "level": level, **known}
    for processor in _LINE:
        line = processor(None, level, line)
    return str(line)


def say(line: str) -> None:
    """Tell whoever started this process a line that is no result: on the error stream, as text or JSON."""
    sys.stderr.write((json_line("info", line) if wants_json() else line) + "\n")


def json_formatter() -> logging.Formatter:
    """Return how to write what Python's loggers say; a trace keeps its lines inside of it, as `exception`."""
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.add_log_level, structlog.stdlib.add_logger_name],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_LINE],
    )

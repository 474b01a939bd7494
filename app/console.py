"""What every command shares: the two streams, the last door for faults, and months as arguments.

Heavy modules are imported inside commands, so that `--help` and worker processes start fast.
"""

from __future__ import annotations

import os
import re
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from sales.calendar import Month


class _Told(Console):
    """What people are told beside the result; JSON where `ONPACE_LOG_FORMAT` asks for it."""

    def print(self, *objects: Any, **how: Any) -> None:  # noqa: ANN401  # Rich's signature
        """Print a line."""
        from orchestration.json_logs import json_line, wants_json
        from sales.errors import UserError

        try:
            is_json = wants_json()
        except (UserError, OSError):  # settings are what is wrong
            is_json = False
        if not is_json:
            super().print(*objects, **how)
            return
        text = " ".join(
            str(each) if how.get("markup") is False else Text.from_markup(str(each)).plain
            for each in objects
        )
        self.file.write(
            json_line("error" if text.startswith(PROGRAM) else "info", text.removeprefix(PROGRAM))
            + "\n"
        )


WIDEST = 10_000  # columns of a table
PROGRAM = "onpace: "  # how a fault begins
out, err = (
    Console(highlight=False, soft_wrap=True),
    _Told(stderr=True, highlight=False, soft_wrap=True),
)

MonthArgument = Annotated[
    str, typer.Argument(metavar="MONTH", help="A closed month, such as 2026-09.")
]


def show(part: Table | str, console: Console = out) -> None:
    """Print a line, or a table whole: as wide as the terminal where its numbers fit, as wide as it needs to be elsewhere."""
    if isinstance(part, str):
        console.print(part, markup=False)
        return
    needs = Measurement.get(console, console.options.update(max_width=WIDEST), part)
    part.width = (
        max(needs.minimum, min(console.width, needs.maximum))
        if console.is_terminal
        else needs.maximum
    )
    console.print(part, crop=False)


@contextmanager
def one_sentence() -> Iterator[None]:
    """Print a fault as one sentence and leave with 1; anything else keeps its trace in a log."""
    from orchestration import settings
    from sales.errors import UserError

    try:
        settings.log_format()
        yield
    except UserError as fault:
        said = _full_disk(fault) or str(fault)
        err.print(f"onpace: {flat(said)}", markup=False)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        err.print("onpace: stopped; what was stored before is as it was", markup=False)
        raise typer.Exit(1) from None
    except (typer.Exit, typer.Abort, typer.BadParameter):
        raise
    except BrokenPipeError:  # whoever read our lines has had enough of them
        raise typer.Exit(1) from None
    except OSError as fault:
        said = (
            _full_disk(fault)
            or f"{fault.filename or 'a file'} cannot be used ({fault.strerror or fault}); check ONPACE_HOME and the disk"
        )
        err.print(f"onpace: {said}", markup=False)
        raise typer.Exit(1) from None
    except (
        Exception
    ) as unexpected:  # the last door: a person gets a sentence, the trace goes to a file
        if said := _full_disk(unexpected):
            err.print(f"onpace: {said}", markup=False)
            raise typer.Exit(1) from None
        log = _log_trace()
        err.print(
            f"onpace: unexpected {type(unexpected).__name__}: {flat(str(unexpected))[:300]}; the trace is in {log}",
            markup=False,
        )
        raise typer.Exit(1) from None


def _full_disk(fault: BaseException) -> str:
    """Return a sentence where a disk is full, nothing where it is not, or where nobody knows which one."""
    from connectors.storage.files import full_disk
    from orchestration import settings
    from sales.errors import UserError

    try:
        return full_disk(fault, settings.home()) or ""
    except (UserError, OSError):  # settings are what is wrong
        return ""


@contextmanager
def shared(context: typer.Context) -> Iterator[None]:
    """Create files as the person's own umask says while a block runs: what they export to a place of theirs is theirs to share."""
    usual = context.find_root().obj
    if usual is None:  # the program was not begun by `main`, and the umask is as it was
        yield
        return
    private = os.umask(usual)
    try:
        yield
    finally:
        os.umask(private)


def closed_month(text: str) -> Month:
    """Return the month that a word names; raises Typer's `BadParameter`."""
    from sales.calendar import Month, UnknownMonth

    try:
        return Month.parse(text)
    except UnknownMonth as unknown:
        raise typer.BadParameter(str(unknown)) from None


def is_day(text: str) -> bool:
    """Return whether a word names a day and not a month."""
    return re.fullmatch(r"\d{4}-\d{2}-\d{2}", text) is not None


def named_day(text: str) -> date:
    """Return the day that a word names; raises Typer's `BadParameter`."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text[:40]!r} is no day; write it as 2026-11-16") from None


def flat(text: str) -> str:
    """Return a text in one line."""
    return re.sub(r"\s+", " ", text).strip()


def _log_trace() -> Path:
    from orchestration import settings
    from sales.errors import UserError

    name, trace = f"{datetime.now(UTC):%Y%m%dT%H%M%S}.log", traceback.format_exc()
    for place in (lambda: settings.home() / "logs", lambda: Path(tempfile.gettempdir())):
        try:
            folder = place()
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(trace, encoding="utf-8")
        except (UserError, OSError):
            continue  # the home may be the very thing that is broken
        return folder / name
    return Path(os.devnull)

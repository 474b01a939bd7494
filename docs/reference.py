"""Writes the pages of `docs/reference` from the code: commands, settings, policy keys; run by `make docs`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from typer.main import get_command

from app.cli.app import app
from orchestration.variables import VARIABLES
from sales.delivery.recipients import Recipient, RecipientBook
from sales.planning.scenario import PersonPlan, PlanScenario, SeatPlan
from sales.policy.sections import LeadSource, PersonBrand, SalesPolicy, TeamBrand
from sales.policy.template import choices_of, toml_of

FOLDER = Path(__file__).with_name("reference")


def pages() -> dict[str, str]:
    """Return the text of each page by its name."""
    return {
        "commands.md": "\n".join(_commands()),
        "settings.md": "\n".join(_settings()),
        "policy.md": "\n".join(_policy()),
    }


def _commands() -> Iterator[str]:
    yield from ("# Commands", "", "What `onpace --help` says, of every command.", "")
    yield from _command(get_command(app), "onpace")


def _command(command: Any, name: str) -> Iterator[str]:  # noqa: ANN401  # Typer brings its own kind of Click
    subcommands: dict[str, Any] = getattr(command, "commands", {})
    if not subcommands:
        words = [_usage(each) for each in command.params if not each.hidden]
        yield from (f"## {name}", "", "```text", " ".join([name, *filter(None, words)]), "```", "")
        yield from (_text(command.help or ""), "")
        rows = [each for each in command.params if each.name != "help"]
        if rows:
            yield from ("| argument or option | meaning |", "|---|---|")
            yield from (f"| `{_named(each)}` | {_text(each.help or '')} |" for each in rows)
            yield ""
    for each, subcommand in subcommands.items():
        yield from _command(subcommand, f"{name} {each}")


def _named(parameter: Any) -> str:  # noqa: ANN401  # as above
    if parameter.param_type_name == "argument":
        return parameter.metavar or parameter.name.upper()
    return ", ".join([*parameter.opts, *parameter.secondary_opts])


def _usage(parameter: Any) -> str:  # noqa: ANN401  # as above
    if parameter.param_type_name != "argument":
        return ""
    word = parameter.metavar or parameter.name.upper()
    return word if parameter.required else f"[{word}]"


def _settings() -> Iterator[str]:
    yield from (
        "# Settings",
        "",
        "Each is a variable of the environment, a line of `.env`, or, where it is no secret, a key of `onpace.toml` (`SMTP_HOST` is `host` of `[smtp]`). Where they are looked for is in the [guide](../guide.md#where-settings-come-from).",
        "",
        "| variable | default | meaning |",
        "|---|---|---|",
    )
    for each in VARIABLES:
        default = f"`{each.default}`" if each.default else ""
        yield f"| `{each.name}` | {default} | {_text(each.meaning)}{' (secret)' if each.is_secret else ''} |"
    yield ""


def _policy() -> Iterator[str]:
    yield from (
        "# Policy keys",
        "",
        "Of `policy/fyYYYY.toml`, one file a fiscal year; every key may be left out. `onpace init` writes a file with all of them. What the rules do is in the [guide](../guide.md).",
        "",
    )
    for name, field in SalesPolicy.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _section(f"[{name}]", kind)
    for title, kind in (
        ("[brand.teams.NAME]", TeamBrand),
        ("[brand.people.NAME]", PersonBrand),
        ("[sources] NAME", LeadSource),
        ("plan/NAME.toml", PlanScenario),
        ("plan/NAME.toml: [[people]]", PersonPlan),
        ("plan/NAME.toml: [[seats]]", SeatPlan),
        ("recipients.toml", RecipientBook),
        ("recipients.toml: [[recipients]]", Recipient),
    ):
        yield from _section(title, kind)


def _section(title: str, kind: type[BaseModel]) -> Iterator[str]:
    yield from (f"## {title}", "", _text((kind.__doc__ or "").partition("\n")[0]), "")
    yield from ("| key | default | meaning |", "|---|---|---|")
    for key, field in kind.model_fields.items():
        default = None if field.is_required() else field.get_default(call_default_factory=True)
        shown = "" if default in (None, {}) else f"`{toml_of(default)}`"
        choices = ", ".join(f"`{toml_of(each)}`" for each in choices_of(field.annotation))
        named = f" One of {choices}." if choices else ""
        yield f"| `{key}` | {shown} | {_text(field.description or '')}{named} |"
    yield ""


def _text(text: str) -> str:
    """Return a text in one line, as Markdown shows it."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")

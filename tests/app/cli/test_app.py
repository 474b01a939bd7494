from importlib.metadata import version

from typer.testing import CliRunner

from app.cli.app import app


def test_the_version_is_said() -> None:
    said = CliRunner().invoke(app, ["--version"])
    assert (said.exit_code, said.stdout) == (0, f"onpace {version('onpace')}\n")

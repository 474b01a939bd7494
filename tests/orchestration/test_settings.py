from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.cli.month_ranges import UnknownMonths, months_named
from connectors.salesforce.auth import MissingSetting
from orchestration import resources, settings, variables
from orchestration.embedded import last_month_there
from publication.workspace import Workspace
from tests.fakes import FakeReader, deal, extract, raw_tables, saved


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for variable in variables.VARIABLES:
        monkeypatch.delenv(variable.name, raising=False)
    (tmp_path / "pyproject.toml").touch()  # as in a checkout
    monkeypatch.setattr(settings, "PROJECT", tmp_path)


def test_the_environment_goes_before_env_file_and_default(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("SALESFORCE_DOMAIN=file.my\nSALESFORCE_CLIENT_ID=from-file\n")
    monkeypatch.setenv("SALESFORCE_DOMAIN", "env.my")
    found = settings.read_settings()
    assert [
        (found[name].value, found[name].origin)
        for name in ("SALESFORCE_DOMAIN", "SALESFORCE_CLIENT_ID", "ONPACE_POLICY")
    ] == [
        ("env.my", "environment"),
        ("from-file", str(tmp_path / ".env")),
        ("policy", "default"),
    ]
    assert not settings.uses_embedded_org()


def test_files_are_read_where_one_stands_then_in_the_users_folder_then_in_the_checkout(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    places = [tmp_path / "here", tmp_path / "config" / "onpace", tmp_path]
    for place in places:
        place.mkdir(parents=True, exist_ok=True)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(places[0])
    (places[2] / ".env").write_text("SMTP_HOST=checkout\nSMTP_PORT=1\nSMTP_FROM=a@checkout\n")
    (places[1] / ".env").write_text("SMTP_HOST=user\nSMTP_PORT=2\nONPACE_HOME=numbers\n")
    (places[0] / "onpace.toml").write_text('[smtp]\nhost = "here"\n[onpace]\npolicy = "rules"\n')
    found = settings.read_settings()
    assert [found[f"SMTP_{each}"].value for each in ("HOST", "PORT", "FROM")] == [
        "here",
        "2",
        "a@checkout",
    ]
    assert found["SMTP_HOST"].origin == str(places[0] / "onpace.toml")
    assert settings.home() == places[1] / "numbers", "a folder starts where its file lies"
    (places[0] / "rules").mkdir()
    assert settings.policy_folder() == places[0] / "rules"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[salesforce]\ndomian = "acme.my"\n', r"did you mean \[salesforce\] domain"),
        ('[salesforce]\nclient_secret = "x"\n', "is a secret; keep it in .env"),
        ('home = "x"\n', "stands in no table"),
        ("[smtp]\nport = [1]\n", "neither a text nor a number"),
        ("[smtp\n", "is not valid TOML"),
    ],
)
def test_a_settings_file_that_cannot_be_used_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str, says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "onpace.toml").write_text(text)
    with pytest.raises(MissingSetting, match=says):
        settings.read_settings()


def test_a_line_reads_no_other_and_one_that_cannot_be_read_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("SMTP_HOST='pa${HOME}ss'\n")
    assert settings.value_of("SMTP_HOST") == "pa${HOME}ss"
    (tmp_path / ".env").write_text("SMTP_HOST=x\nSALESFORCE_CLIENT_SECRET='s3'cret'\n")
    with pytest.raises(MissingSetting, match=r"\.env line 2 cannot be read"):
        settings.read_settings()
    (tmp_path / ".env").write_text("OTHERS='a'b'\nnot a line of ours\n")
    assert settings.value_of("SMTP_HOST") == "", "another program's file"


def test_a_login_is_of_one_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The key of one organisation is never shown to another one's address."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "config" / "onpace").mkdir(parents=True)
    (tmp_path / "config" / "onpace" / ".env").write_text(
        "SALESFORCE_LOCAL_URL=http://127.0.0.1:1\nSMTP_HOST=mail\n"
    )
    (tmp_path / "firm").mkdir()
    (tmp_path / "firm" / ".env").write_text("SALESFORCE_DOMAIN=acme.my\n")
    monkeypatch.chdir(tmp_path / "firm")
    assert settings.value_of("SALESFORCE_LOCAL_URL") == ""
    assert settings.value_of("SMTP_HOST") == "mail"


def test_folders_above_count_and_the_demo_keeps_out_of_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(settings, "_overrides", {})
    firm = tmp_path / "firm"
    (firm / "policy").mkdir(parents=True)
    (firm / ".env").write_text(
        "SALESFORCE_DOMAIN=acme.my\nONPACE_HOME=data\nONPACE_POLICY=policy\n"
    )
    monkeypatch.chdir(firm / "policy")
    assert (settings.home(), settings.policy_folder()) == (firm / "data", firm / "policy")
    settings.use_embedded_org()
    assert settings.home() == tmp_path / "data"
    (tmp_path / "policy").mkdir()
    assert settings.policy_folder() == tmp_path / "policy"


def test_a_policy_that_is_named_and_not_there_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ONPACE_POLICY", str(tmp_path / "none"))
    with pytest.raises(MissingSetting, match="does not exist; create it"):
        settings.policy_folder()


def test_any_salesforce_variable_turns_the_demo_off(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings.uses_embedded_org()
    monkeypatch.setenv("SALESFORCE_USERNAME", "api@acme.example")
    assert not settings.uses_embedded_org()
    with pytest.raises(
        MissingSetting,
        match="SALESFORCE_PASSWORD is not set, and a login with username and password",
    ):
        resources.login()


def test_a_secret_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALESFORCE_CLIENT_SECRET", "hunter2")
    assert settings.read_settings()["SALESFORCE_CLIENT_SECRET"].shown == "********"


def test_folders_are_relative_to_where_they_were_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert settings.home() == tmp_path / "data"
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    monkeypatch.setenv("ONPACE_HOME", "here")
    assert settings.home() == tmp_path / "elsewhere" / "here"


def test_the_demo_ends_in_the_month_before_where_the_company_is() -> None:
    assert last_month_there(datetime(2026, 3, 31, 22, 59, tzinfo=UTC)) == (2026, 2)
    assert last_month_there(datetime(2026, 3, 31, 23, 1, tzinfo=UTC)) == (2026, 3)
    assert last_month_there(datetime(2026, 1, 15, tzinfo=UTC)) == (2025, 12)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """Of an organisation whose fiscal year starts in April and is called by its start."""
    (tmp_path / "policy").mkdir()
    reader = FakeReader(
        raw_tables(extract([deal(1)], [saved(1, "2026-01-05 10:00")], start_month=4))
    )
    return Workspace(tmp_path / "home", tmp_path / "policy", lambda: reader, "there")


@pytest.mark.parametrize(
    ("text", "first", "last", "count"),
    [
        ("2025-11..2026-02", "2025-11", "2026-02", 4),
        ("2026-09", "2026-09", "2026-09", 1),
        ("2025-Q3", "2025-10", "2025-12", 3),
        ("FY2025-Q4", "2026-01", "2026-03", 3),
        ("FY2026", "2026-04", "2027-03", 12),
    ],
)
def test_months_as_people_name_them(
    workspace: Workspace, text: str, first: str, last: str, count: int
) -> None:
    months = months_named(text, workspace)
    assert (str(months[0]), str(months[-1]), len(months)) == (first, last, count)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026",
        "2026-Q5",
        "FY26",
        "2026-02..2026-01",
        "2026-01...2026-02",
        "..",
        "1900-01..2026-01",
        "FY0000",
    ],
)
def test_what_names_no_months_is_refused(workspace: Workspace, text: str) -> None:
    with pytest.raises(UnknownMonths):
        months_named(text, workspace)


@pytest.mark.parametrize(
    ("address", "link"),
    [
        ("", ""),
        ("http://127.0.0.1:3001", ""),
        ("http://localhost:3001", ""),
        ("https://packs.acme.example", "https://packs.acme.example"),
    ],
)
def test_recipients_get_no_link_to_our_own_machine(
    monkeypatch: pytest.MonkeyPatch, address: str, link: str
) -> None:
    """The default serves the UI on this machine; in a mail it would open nothing."""
    from orchestration import resources

    monkeypatch.setenv("ONPACE_PACKS_URL", address)
    assert resources.links_for_recipients() == link


def test_an_installed_program_keeps_its_data_with_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is written beside the code; one's own policy is for one's own Salesforce, the demo's for the demo."""
    monkeypatch.setattr(settings, "PROJECT", tmp_path / "site-packages" / "onpace")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    assert settings.home() == tmp_path / "share" / "onpace"
    assert settings.policy_folder() == tmp_path / "site-packages" / "onpace" / "policy"
    (tmp_path / "config" / "onpace" / "policy").mkdir(parents=True)
    assert settings.policy_folder() == tmp_path / "site-packages" / "onpace" / "policy"
    monkeypatch.setenv("SALESFORCE_DOMAIN", "acme.my")
    assert settings.policy_folder() == tmp_path / "config" / "onpace" / "policy"
    (tmp_path / ".env").write_text("ONPACE_HOME=numbers\n")
    assert settings.home() == tmp_path / "numbers"


def test_neither_salesforce_nor_a_shared_catalogue_nor_mail_is_the_users(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The demo must touch nothing real, whatever the environment says."""
    monkeypatch.setattr(settings, "_overrides", {})
    monkeypatch.setenv("SALESFORCE_DOMAIN", "acme.my")
    monkeypatch.setenv("ONPACE_LEDGER_URL", "postgresql+psycopg://host/name")
    monkeypatch.setenv("SMTP_HOST", "mail.acme.example")
    monkeypatch.setenv("ONPACE_OUTBOX_URL", "s3://acme/outbox")
    settings.use_embedded_org()
    assert settings.uses_embedded_org()
    assert settings.value_of("ONPACE_LEDGER_URL") == "", "before the workspace is made"
    settings.use_mailbox(2525)
    assert settings.value_of("ONPACE_OUTBOX_URL") == ""
    found = settings.smtp()
    assert found is not None
    assert (found.host, found.port) == ("127.0.0.1", 2525)

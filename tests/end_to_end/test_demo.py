"""The demo as a new user runs it: one home, one month, and every command on it."""

import csv
import hashlib
import json
import re
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import SMTP
from pathlib import Path

import pypdf
import pytest

from connectors.storage.catalogue import Catalogue
from connectors.storage.extracts import ExtractStore
from connectors.storage.files import open_to_others
from orchestration.embedded import last_month_there
from sales.calendar import Month
from sales.contracts.published import PUBLISHED
from tests.connectors.delivery.mail_servers import Inbox, certificate
from tests.connectors.delivery.mail_servers import serving as serving_mail
from tests.end_to_end.command import here, run

SECRET = "s3cret-planted-here"


@pytest.fixture(scope="module")
def demo_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("demo") / "home"
    home.mkdir(mode=0o700)
    done = run(home, "demo")
    assert done.returncode == 0, done.stderr
    (home / "demo.out").write_text(done.stdout)
    (home / "demo.err").write_text(done.stderr)
    return home


class TestDemo:
    def test_it_prints_the_packs_and_how_to_open_the_ui(self, demo_home: Path) -> None:
        printed = (demo_home / "demo.out").read_text().splitlines()
        assert printed[-6] == "Open first:"
        assert printed[-3].endswith(f": {demo_home / 'mailbox' / 'index.html'}")
        assert printed[-2].endswith(": make dev")
        named = [Path(line.split(": ")[-1]) for line in printed[-5:-2]]
        assert all(path.exists() for path in named)
        packs = [Path(line) for line in printed[:-6]]
        assert all(path.read_bytes().startswith(b"%PDF") for path in packs)
        kinds = [path.name.split("-")[0].removesuffix(".pdf") for path in packs]
        assert (kinds[0], kinds.count("team"), kinds.count("person") >= 12) == ("company", 3, True)
        assert "Traceback" not in (demo_home / "demo.err").read_text()

    def test_what_it_stores_is_for_its_owner_alone(self, demo_home: Path) -> None:
        ours = {demo_home / "demo.out", demo_home / "demo.err"}
        assert set(open_to_others(demo_home)) - ours == set()

    def test_every_page_of_every_pack_says_that_it_is_a_demonstration(
        self, demo_home: Path
    ) -> None:
        for path in (demo_home / "packs").rglob("*.pdf"):
            assert all(
                "demonstration data from the embedded org" in page.extract_text()
                for page in pypdf.PdfReader(path).pages
            ), path

    def test_it_delivers_to_the_outbox_with_a_manifest(self, demo_home: Path) -> None:
        manifest = json.loads(next((demo_home / "outbox").rglob("manifest.json")).read_text())
        for name, revisions in manifest["documents"].items():
            content = next((demo_home / "outbox").rglob(name)).read_bytes()
            assert hashlib.sha256(content).hexdigest() == revisions[0]["sha256"]

    def test_it_mails_everybody_their_own_and_shows_the_mails(self, demo_home: Path) -> None:
        mails = [
            message_from_bytes(path.read_bytes(), policy=SMTP)
            for path in (demo_home / "mailbox").glob("*.eml")
        ]
        people = list((demo_home / "packs").rglob("person-*.pdf"))
        assert len(mails) == len({str(mail["To"]) for mail in mails}) >= len(people) - 2
        board = next(mail for mail in mails if "board@tidewater.example" in mail["To"])
        assert [part.get_filename() for part in board.iter_attachments()] == ["company.pdf"]
        assert "Year to date: £" in board.get_body(("plain",)).get_content()
        assert "archive@" not in board.as_string()
        assert (demo_home / "mailbox" / "index.html").read_text().count("<h2>") == len(mails)

    def test_a_rehearsal_says_who_would_get_what_and_sends_nothing(self, demo_home: Path) -> None:
        month = str(Month(*last_month_there(datetime.now(UTC))))
        done = here(demo_home, "deliver", month, "--dry-run")
        assert done.returncode == 0, done.stderr
        assert (
            "board@tidewater.example (hidden copies: archive@tidewater.example): company.pdf"
            in done.stdout
        )
        assert "would be sent; nothing was" in done.stdout
        listed = here(demo_home, "deliveries", "list", month, COLUMNS="250")
        assert listed.stdout.count(" sent ") >= 10
        nowhere = here(demo_home, "deliver", month, "--to", "me@tidewater.example")
        assert (nowhere.returncode, "set SMTP_HOST" in nowhere.stderr) == (1, True)

    def test_a_mail_password_appears_nowhere(self, demo_home: Path, tmp_path: Path) -> None:
        """A wrong one is where a careless program would print it."""
        month = str(Month(*last_month_there(datetime.now(UTC))))
        with serving_mail(Inbox(), tls=certificate(tmp_path), login=True) as port:
            planted = {
                "SMTP_USERNAME": "onpace",
                "SMTP_PASSWORD": SECRET,
                "SMTP_FROM": "Onpace <r@tidewater.example>",
            }
            server = {
                "SMTP_HOST": "127.0.0.1",
                "SMTP_PORT": str(port),
                "SMTP_AUTHORITY_FILE": str(tmp_path / "certificate.pem"),
            }
            done = here(
                demo_home, "deliver", month, "--to", "me@tidewater.example", **planted, **server
            )
            told = here(demo_home, "doctor", **planted, **server)
        assert done.returncode == 1
        assert "check SMTP_USERNAME and SMTP_PASSWORD" in done.stderr
        assert SECRET not in done.stdout + done.stderr + told.stdout + told.stderr
        assert "SMTP_PASSWORD = ********" in told.stdout
        for path in demo_home.rglob("*"):
            assert not path.is_file() or SECRET.encode() not in path.read_bytes(), path

    def test_the_coming_month_ends_are_told(self, demo_home: Path) -> None:
        done = here(demo_home, "schedule", "next", "3")
        assert done.returncode == 0, done.stderr
        assert len(done.stdout.splitlines()) == 3
        assert all(" 07:00 " in line for line in done.stdout.splitlines())

    def test_a_month_in_which_nothing_changed_is_not_computed_again(self, demo_home: Path) -> None:
        month = str(Month(*last_month_there(datetime.now(UTC))))
        done = here(demo_home, "backfill", month)
        assert (done.returncode, done.stdout) == (0, ""), done.stderr
        assert "1 of 1 months are unchanged and were not computed again" in done.stderr
        alone = here(demo_home, "report", month)
        assert "nothing was computed" in alone.stderr
        assert len(alone.stdout.splitlines()) == 20
        wrong = here(demo_home, "report", month, "--only", "coverag")
        assert (wrong.returncode, "did you mean 'coverage'?" in wrong.stderr) == (1, True)

    def test_a_second_run_prints_nothing_anew(self, demo_home: Path) -> None:
        mails = {path: path.stat().st_mtime_ns for path in (demo_home / "mailbox").glob("*.eml")}
        before = {path: path.stat().st_mtime_ns for path in (demo_home / "packs").rglob("*.pdf")}
        again = run(demo_home, "demo")
        assert again.returncode == 0, again.stderr
        assert "20 documents, 0 printed" in again.stderr
        assert {
            path: path.stat().st_mtime_ns for path in (demo_home / "packs").rglob("*.pdf")
        } == before
        assert len(ExtractStore(Catalogue(demo_home)).all()) == 1
        assert {
            path: path.stat().st_mtime_ns for path in (demo_home / "mailbox").glob("*.eml")
        } == mails, "nothing is mailed twice"

    @pytest.mark.parametrize("kind", ["csv", "parquet", "xlsx"])
    def test_tables_are_exported(self, demo_home: Path, tmp_path: Path, kind: str) -> None:
        month = str(Month(*last_month_there(datetime.now(UTC))))
        done = here(demo_home, "export", month, "--to", str(tmp_path / "out"), "--format", kind)
        assert done.returncode == 0, done.stderr
        assert [Path(line).suffix for line in done.stdout.splitlines()] == [f".{kind}"] * (
            1 if kind == "xlsx" else len(PUBLISHED)
        )
        (tmp_path / "mine").touch()
        usual = (tmp_path / "mine").stat().st_mode
        assert {path.stat().st_mode for path in (tmp_path / "out").iterdir()} == {usual}

    def test_a_what_if_shows_before_and_after_and_stores_nothing(
        self, demo_home: Path, tmp_path: Path
    ) -> None:
        month = Month(*last_month_there(datetime.now(UTC)))
        assert here(demo_home, "export", str(month), "--to", str(tmp_path)).returncode == 0
        with (tmp_path / "closing_plan.csv").open(encoding="utf-8", newline="") as lines:
            likeliest = max(
                csv.DictReader(lines),
                key=lambda row: float(row["win_probability"] or 0) * float(row["amount"] or 0),
            )
            deal, client = likeliest["opportunity_id"], likeliest["account_id"]
        before = {path: path.stat().st_mtime_ns for path in (demo_home / "tables").rglob("*.json")}
        done = here(
            demo_home,
            "what-if",
            "--move",
            f"{deal}={month.plus(3)}",
            "--add",
            f"{client}=25000@{month.plus(1)}",
        )
        assert done.returncode == 0, done.stderr
        assert f"As of the end of {month}" in done.stdout
        for words in (
            "Expected landing",
            "Attainment expected",
            "Coverage",
            "Chance to hit",
            "Days of work",
            "as often as all",
        ):
            assert words in done.stdout, words
        assert {
            path: path.stat().st_mtime_ns for path in (demo_home / "tables").rglob("*.json")
        } == before
        wrong = here(demo_home, "what-if", "--drop", "006nobody")
        assert (wrong.returncode, "is no deal that is open" in wrong.stderr) == (1, True)
        assert here(demo_home, "what-if", "--move", "nonsense").returncode == 1

    def test_a_year_to_come_is_planned_by_scenarios_and_nothing_is_in_force(
        self, demo_home: Path, tmp_path: Path
    ) -> None:
        month = Month(*last_month_there(datetime.now(UTC)))
        coming = month.plus(12 if month.number >= 4 else 0).year + 1  # years begin in April
        out = tmp_path / "plan"
        done = here(demo_home, "plan", f"FY{coming}", "--number", "9900000", "--to", str(out))
        assert done.returncode == 0, done.stderr
        assert "As today: £9.90m where £" in done.stdout
        printed = "".join(
            page.extract_text() for page in pypdf.PdfReader(out / f"plan-FY{coming}.pdf").pages
        )
        assert "The scenarios side by side" in printed
        assert "demonstration data" in printed
        for name in ("growth", "safe", "steady"):
            with (out / name / "targets.csv").open(encoding="utf-8", newline="") as lines:
                assert len(list(csv.DictReader(lines))) >= 10, name
        again = here(demo_home, "plan", f"FY{coming}", "--to", str(out), "--adopt", "targets.csv")
        assert (again.returncode, "say where the plan is written" in again.stderr) == (2, True)
        begun = here(demo_home, "plan", f"FY{month.year - 1}", "--to", str(out))
        assert (begun.returncode, "is for a year to come" in begun.stderr) == (1, True)

    def test_every_figure_of_the_company_is_explained_those_of_the_forecast_too(
        self, demo_home: Path
    ) -> None:
        month = Month(*last_month_there(datetime.now(UTC)))
        there = here(demo_home, "explain", "coverage")
        assert (there.returncode, "needs a period" in there.stderr) == (1, True)
        year = re.findall(r"FY\d{4}(?!-)", there.stderr)[0]
        done = here(demo_home, "explain", "coverage", "--period", year, "--as-of", str(month))
        assert done.returncode == 0, done.stderr
        assert re.search(r"required_ratio +\d", done.stdout)
        for column in ("bookings", "weighted_pipeline"):
            (figure,) = re.findall(rf"^{column} +([\d,.]+) ", done.stdout, re.MULTILINE)
            assert re.search(
                rf"^Total of \d+.* {re.escape(figure)}( |$)", done.stdout, re.MULTILINE
            ), column
        person = here(
            demo_home,
            "explain",
            "attainment",
            "--person",
            "jun tanaka",
            "--period",
            str(month),
            "--format",
            "csv",
        )
        assert person.stdout.startswith('"as_of_month","grain"'), person.stderr
        wrong = here(demo_home, "explain", "coverage", "--team", "Nort", "--period", year)
        assert (wrong.returncode, "did you mean 'North'?" in wrong.stderr) == (1, True)

    def test_a_backtest_judges_every_past_forecast_and_writes_the_table(
        self, demo_home: Path, tmp_path: Path
    ) -> None:
        done = here(demo_home, "backtest", "--to", str(tmp_path / "judged"))
        assert done.returncode == 0, done.stderr
        assert "company month" in done.stdout
        assert "100%" in done.stderr or "Forecast" in done.stderr
        with (tmp_path / "judged" / "forecast_track_record.csv").open(
            encoding="utf-8", newline=""
        ) as lines:
            rows = [
                row
                for row in csv.DictReader(lines)
                if (row["grain"], row["period_kind"]) == ("company", "month")
            ]
        assert len(rows) >= 24
        errors = {
            name: sum(
                abs(float(row[name]) - float(row["outcome"])) for row in rows if row["last_year"]
            )
            for name in ("p50", "stage_weighted", "last_year")
        }
        assert errors["p50"] < min(errors["stage_weighted"], errors["last_year"])

    def test_the_packs_say_where_the_year_lands_and_how_good_that_was(
        self, demo_home: Path
    ) -> None:
        month = Month(*last_month_there(datetime.now(UTC)))
        pages = pypdf.PdfReader(demo_home / "packs" / str(month) / "company.pdf").pages
        text = " ".join(" ".join(page.extract_text() for page in pages).split())
        for words in (
            "Where it lands",
            "in eight of ten cases",
            "How good were earlier forecasts",
            "New pipeline by source",
            "The work that follows",
        ):
            assert words in text, words

    def test_a_file_is_known_as_ours_and_a_changed_one_is_not(
        self, demo_home: Path, tmp_path: Path
    ) -> None:
        month = str(Month(*last_month_there(datetime.now(UTC))))
        ours = demo_home / "packs" / month / "company.pdf"
        done = here(demo_home, "verify", str(ours))
        assert done.returncode == 0, done.stderr
        assert (
            f"is company.pdf of {month}, revision 1: Tidewater Advisory: sales at month end (Confidential: management), published on "
            in done.stdout
        )
        assert "handed over as " in done.stdout
        assert "mailed to archive@tidewater.example, board@tidewater.example" in done.stdout
        assert here(demo_home, "verify", str(ours.with_suffix(".xlsx"))).returncode == 0
        (tmp_path / "forged.pdf").write_bytes(ours.read_bytes().replace(b"%PDF-1.7", b"%PDF-1.6"))
        forged = here(demo_home, "verify", str(tmp_path / "forged.pdf"))
        assert (forged.returncode, "is not a file that was published" in forged.stderr) == (1, True)
        assert (
            "name a file that is there"
            in here(demo_home, "verify", str(tmp_path / "none.pdf")).stderr
        )

    def test_doctor_knows_where_settings_come_from(self, demo_home: Path) -> None:
        done = here(demo_home, "doctor")
        assert done.returncode == 0, done.stderr
        assert f"ONPACE_HOME = {demo_home}  (environment: " in done.stdout
        assert "Everything a report needs is there." in done.stdout

    def test_real_settings_do_not_answer_from_demo_data(self, demo_home: Path) -> None:
        month = str(Month(*last_month_there(datetime.now(UTC))))
        done = here(
            demo_home,
            "report",
            month,
            SALESFORCE_DOMAIN="acme.my",
            SALESFORCE_CLIENT_ID="a",
            SALESFORCE_CLIENT_SECRET="b",
        )
        assert done.returncode == 1
        assert "set ONPACE_HOME to another folder" in done.stderr

"""A month is computed once: what did not change stands, and what stands is what would be computed."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from app.cli import restate as restating
from connectors.storage.catalogue_schema import PUBLICATIONS
from orchestration import local_runs as runs
from orchestration.definitions import build_defs
from orchestration.resources import make_publisher
from publication.extract_selection import is_current
from publication.publish import published_documents
from publication.pull_options import PullOptions
from publication.run_inputs import RunInputs
from publication.workspace import Workspace
from sales.calendar import Month
from sales.contracts.published import MONTHLY
from sales.coverage import coverage
from sales.history import snapshot
from sales.targets import attainment
from sales.targets import phased_targets as targets
from tests.fakes import FakeReader, deal, extract, raw_tables, saved
from tests.temporary_instance import temporary_instance

MONTH = Month(2026, 3)
COMPUTED = {
    "monthly_bookings": (snapshot, "monthly_bookings"),
    "phased_targets": (targets, "phased_targets"),
    "target_attainment": (attainment, "target_attainment"),
    "pipeline_coverage": (coverage, "pipeline_coverage"),
}
NOTHING: set[str] = set()


class Home:
    """A home, its policy folder, and what is computed when its month is run."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.policy = folder, folder / "policy"
        self.policy.mkdir(parents=True, exist_ok=True)
        self.aim("1200")
        self.reader = FakeReader(
            raw_tables(extract([deal(1)], [saved(1, "2026-01-05 10:00")])),
            lambda: datetime(2026, 5, 4, tzinfo=UTC),
        )
        self.instance = temporary_instance(folder)

    def aim(self, amount: str) -> None:
        (self.policy / "targets.csv").write_text(
            f"fiscal_year,owner,annual_target\n2026,ann@acme.example,{amount}\n"
        )

    @property
    def workspace(self) -> Workspace:
        """The workspace of another process."""
        return Workspace(
            self.folder / "home",
            self.policy,
            lambda: self.reader,
            "https://acme.example",
            lambda: datetime(2026, 5, 4, 9, tzinfo=UTC),
        )

    def run(self, *only: str) -> set[str]:
        """Run the month and return which of the watched tables were computed."""
        computed: set[str] = set()
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("ONPACE_HOME", str(self.folder / "home"))
            patch.setenv("ONPACE_POLICY", str(self.policy))
            for name, (module, function) in COMPUTED.items():
                made = getattr(module, function)
                patch.setattr(
                    module,
                    function,
                    lambda *given, made=made, name=name, **more: (
                        computed.add(name),
                        made(*given, **more),
                    )[1],
                )
            runs.run_month(
                "restatement",
                MONTH,
                self.workspace,
                self.instance,
                PullOptions(shared_pull_hours=0.0),
                runs.selection_of(only) if only else None,
            )
        return computed

    def click(
        self,
        job: str = "restatement",
        *,
        replace: bool = False,
        tags: dict[str, str] | None = None,
    ) -> None:
        """Launch a job as the UI does."""
        workspace = self.workspace
        with pytest.MonkeyPatch.context() as patch, RunInputs(workspace) as inputs:
            patch.setenv("ONPACE_HOME", str(self.folder / "home"))
            patch.setenv("ONPACE_POLICY", str(self.policy))
            defs = build_defs(inputs=inputs, publisher=make_publisher(workspace))
            done = defs.resolve_job_def(job).execute_in_process(
                run_config={
                    "ops": {
                        "salesforce_extract": {"config": {"shared_pull_hours": 0.0}},
                        "month_end_packs": {"config": {"replace": replace}},
                    }
                },
                partition_key=str(MONTH),
                instance=self.instance,
                tags=tags,
            )
        assert done.success

    @property
    def stands(self) -> bool:
        """Whether the month is as published, with all its documents."""
        workspace = self.workspace
        publisher = make_publisher(workspace)
        return is_current(workspace, MONTH) and bool(
            published_documents(workspace, MONTH, publisher)
        )

    def said(self, name: str) -> dict[str, object]:
        """Return what the UI says of the month of an asset."""
        known = dg.AssetRecordsFilter(asset_key=dg.AssetKey(name), asset_partitions=[str(MONTH)])
        event = (
            self.instance.fetch_materializations(known, limit=1).records[0].asset_materialization
        )
        assert event is not None
        return {key: value.value for key, value in event.metadata.items()}

    def checks(self) -> dict[tuple[str, str], tuple[bool, str]]:
        """Return the latest outcome of every check."""
        keys = [dg.AssetCheckKey(dg.AssetKey(name), "as_usual") for name in MONTHLY]
        keys.append(dg.AssetCheckKey(dg.AssetKey("pipeline_movement"), "movement_closes"))
        found = self.instance.event_log_storage.get_latest_asset_check_execution_by_key(keys)
        outcomes = {
            key: record.event.dagster_event.asset_check_evaluation_data
            for key, record in found.items()
        }  # type: ignore[union-attr]
        return {
            (key.asset_key.to_user_string(), key.name): (each.passed, each.severity.value)
            for key, each in outcomes.items()
        }

    def digests(self) -> dict[str, str]:
        """Return the content of every table."""
        return {
            name: written.digest
            for name in MONTHLY
            if (written := self.workspace.tables.written(name, MONTH))
        }


class TestReuse:
    @pytest.fixture(scope="class")
    def published(self, tmp_path_factory: pytest.TempPathFactory) -> Path:
        """A folder in which the month was run once."""
        home = Home(tmp_path_factory.mktemp("reuse"))
        assert home.run() == set(COMPUTED)
        home.instance.dispose()
        return home.folder

    @pytest.fixture
    def home(self, published: Path, tmp_path: Path) -> Iterator[Home]:
        """A copy of it: each test begins with what the first run left."""
        shutil.copytree(published, tmp_path / "copy")
        home = Home(tmp_path / "copy")
        assert home.stands
        yield home
        home.instance.dispose()

    def test_the_same_inputs_compute_nothing_and_the_ui_says_so(self, home: Home) -> None:
        before = home.digests()
        assert home.run() == NOTHING
        assert home.digests() == before
        for name in ("target_attainment", "month_end_packs"):
            assert "made from the same inputs" in str(home.said(name)["unchanged"]), name
        assert "| as_of_month |" in str(home.said("target_attainment")["preview"]), (
            "what was said of the table stays"
        )
        assert home.said("month_end_packs")["printed_now"] == 0
        assert home.checks()["pipeline_movement", "movement_closes"] == (True, "ERROR")
        assert {
            outcome for (_, check), outcome in home.checks().items() if check == "as_usual"
        } == {(True, "WARN")}

    def test_another_target_computes_what_rests_on_targets_and_no_more(self, home: Home) -> None:
        first = home.digests()
        home.aim("2400")
        assert home.run() == set(COMPUTED) - {"monthly_bookings"}
        assert home.said("month_end_packs")["revision"] == 2
        now = home.digests()
        assert {name for name in MONTHLY if now[name] != first[name]} >= {
            "phased_targets",
            "target_attainment",
            "pipeline_coverage",
        }
        home.aim("1200")
        home.run()
        assert home.digests() == first, "what stands is what would be computed"

    def test_a_click_shows_what_would_differ_and_replaces_it_only_where_it_is_told_to(
        self, home: Home
    ) -> None:
        seen = home.workspace.published.current(MONTH)
        home.aim("2400")
        home.click()
        assert home.workspace.published.current(MONTH) == seen
        newest = home.instance.fetch_observations(dg.AssetKey("month_end_packs"), limit=1)
        shown = newest.records[0].asset_observation
        assert shown is not None
        assert "| phased_targets | 12 | 0 | 0 | 12 |" in str(
            shown.metadata["what_would_differ"].value
        )
        home.click("month_end", tags={"dagster/parent_run_id": "a"}, replace=True)
        assert home.workspace.published.current(MONTH) == seen, "a repetition has no leave"
        home.click(replace=True)
        now = home.workspace.published.current(MONTH)
        assert now is not None
        assert seen is not None
        assert now.revision == seen.revision + 1
        home.click()  # the same again asks nothing
        assert "unchanged" in home.said("month_end_packs")

    def test_other_recipients_compute_no_table(self, home: Home) -> None:
        (home.policy / "recipients.toml").write_text('allowed_domains = ["acme.example"]\n')
        assert home.run() == NOTHING
        assert "unchanged" not in home.said("month_end_packs"), (
            "the publisher looks whether somebody asks for another edition"
        )

    def test_a_group_is_computed_alone_from_what_is_stored(self, home: Home) -> None:
        home.aim("2400")
        assert home.run("coverage") == NOTHING, "the targets that it reads are still the old ones"
        assert home.run("targets") == {"phased_targets", "target_attainment"}
        assert home.run("coverage") == {"pipeline_coverage"}
        with pytest.raises(runs.UnknownAsset, match="did you mean 'coverage'"):
            home.run("coverag")
        with pytest.raises(runs.UnknownAsset, match="can be computed alone"):
            home.run("delivery")

    def test_a_damaged_page_is_put_back_or_printed_again_and_nothing_else_is_done(
        self, home: Home
    ) -> None:
        """Below packs it is put back from what was published; damaged there too, it is printed again."""
        shown = home.folder / "home" / "packs" / str(MONTH) / "company.pdf"
        kept = home.workspace.published.documents(MONTH) / "company.pdf"
        good = shown.read_bytes()
        for damaged, printed in (([shown], 0), ([shown, kept], 1)):
            for page in damaged:
                page.unlink()
                page.write_bytes(good[:-1])
            revision = home.said("month_end_packs")["revision"]
            assert home.run() == NOTHING
            assert (shown.read_bytes(), kept.read_bytes()) == (good, good)
            said = home.said("month_end_packs")
            assert (said["printed_now"], said["revision"]) == (printed, revision)

    def test_pages_of_tables_that_rest_on_something_else_by_now_do_not_stand(
        self, home: Home
    ) -> None:
        """Only the documents were asked for after the target book was edited: they show the old targets, and the month is made again."""
        home.aim("2400")
        assert home.run("report") == NOTHING
        assert not is_current(home.workspace, MONTH)
        assert home.run() == set(COMPUTED) - {"monthly_bookings"}
        assert is_current(home.workspace, MONTH)

    def test_pages_that_are_not_those_of_the_publication_do_not_stand(self, home: Home) -> None:
        """A run was killed after the pages were replaced and before the month was published."""
        catalogue = home.workspace.catalogue
        with catalogue.begin() as database:
            database.execute(PUBLICATIONS.update().values(documents="of other pages", seal=None))
        assert not runs.note_unchanged(MONTH, home.workspace, home.instance)
        home.run()
        assert runs.note_unchanged(MONTH, home.workspace, home.instance)

    def test_a_restatement_that_ends_badly_leaves_the_month_as_readers_see_it(
        self, home: Home
    ) -> None:
        workspace = home.workspace
        before = {name: workspace.tables.written(name, MONTH) for name in MONTHLY}
        home.aim("2400")
        with (  # noqa: PT012
            pytest.raises(KeyboardInterrupt),
            restating.given_up_unless_published([MONTH], workspace),
        ):
            home.run("targets")
            assert {name: workspace.tables.written(name, MONTH) for name in MONTHLY} != before
            raise KeyboardInterrupt
        assert {name: workspace.tables.written(name, MONTH) for name in MONTHLY} == before

    def test_a_month_that_another_run_computed_since_is_left_to_it(self, home: Home) -> None:
        workspace = home.workspace
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("ONPACE_HOME", str(home.folder / "home"))
            patch.setenv("ONPACE_POLICY", str(home.policy))
            with restating.given_up_unless_published([MONTH], workspace) as progress:
                progress.computed[MONTH] = restating.compute(
                    MONTH, workspace, home.instance, PullOptions(shared_pull_hours=0.0)
                )
                home.aim("2400")
                home.run("targets")
                others = {name: workspace.tables.written(name, MONTH) for name in MONTHLY}
        assert {name: workspace.tables.written(name, MONTH) for name in MONTHLY} == others

    def test_what_another_run_computed_since_it_was_shown_is_not_published(
        self, home: Home
    ) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("ONPACE_HOME", str(home.folder / "home"))
            patch.setenv("ONPACE_POLICY", str(home.policy))
            home.aim("2400")
            shown = restating.compute(
                MONTH, home.workspace, home.instance, PullOptions(shared_pull_hours=0.0)
            )
            assert not shown.is_same
            home.aim("3600")
            home.run("targets")
            with pytest.raises(restating.AnotherRun, match="restate it again"):
                restating.publish(shown, home.workspace, home.instance)

"""After the first reading only what changed is read: nothing is missed, nothing that is gone is lost."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest
from deltalake import DeltaTable

from connectors.salesforce.extract_writer import VanishedRecords
from connectors.salesforce.schema import RetypedField
from connectors.salesforce.source import MissingField
from connectors.storage import raw_tables
from connectors.storage.catalogue import Catalogue
from connectors.storage.extracts import AnotherOrganization, ExtractStore
from connectors.storage.publications import PublishedMonths
from sales.calendar import Month
from sales.policy.rules import CustomFields
from tests.connectors.salesforce.orgs import LivingOrg, Reading, known, reading, truth
from tests.fakes import at

pytestmark = pytest.mark.slow


def places(one: Reading) -> dict[str, str]:
    record = one.store.latest()
    assert record is not None
    return dict(record.findings)


def test_only_what_changed_is_read_and_few_requests_say_that_nothing_did(tmp_path: Path) -> None:
    living = LivingOrg(500)
    with reading(living, tmp_path) as one:
        first = one.pull()
        living.later(hours=5)
        before = one.server.requests
        second = one.pull()
        assert one.server.requests - before < 15
        assert second.pull.requests < 15
        assert (second.pull.how, second.rows) == ("changes", first.rows)
        assert second.versions == first.versions  # nothing new was stored
        living.change(3, 777.5, "Won")
        living.change(500, 9)
        living.later(hours=1)
        third = one.pull()
        assert known(one.tables(third)) == truth(living)
        assert third.rows["raw_opportunity_history"] == 502
        assert one.tables(first)["raw_opportunities"]["amount"].iloc[3] == Decimal(
            103
        )  # what was stored stays


def test_a_record_saved_while_we_read_is_never_missed(tmp_path: Path) -> None:
    """Saved a little before the reading, visible only after it: the next window reaches back ten minutes."""
    living = LivingOrg(5)
    with reading(living, tmp_path) as one:
        one.pull()
        living.later(minutes=30)
        one.pull()
        late = living.now - timedelta(minutes=5)
        living.change(2, 4321)
        living.org.run(
            'UPDATE "Opportunity" SET "SystemModstamp" = ? WHERE "Id" = ?',
            [late.strftime("%Y-%m-%dT%H:%M:%S.000Z"), living.id_of(2)],
        )
        living.later(minutes=30)
        assert known(one.tables(one.pull())) == truth(living)


@pytest.mark.parametrize("is_only_the_newest", [True, False])
def test_a_pull_goes_on_from_the_newest_reading_that_is_not_damaged(
    is_only_the_newest: bool,  # noqa: FBT001  # a parameter
    tmp_path: Path,
) -> None:
    living = LivingOrg(20)
    with reading(living, tmp_path) as one:
        first = one.pull()
        files = set((tmp_path / "tables" / "raw_opportunity_history").glob("*.parquet"))
        living.later(hours=5)
        living.change(3, 777.5, "Won")
        living.later(hours=1)
        second = one.pull()
        newer = set((tmp_path / "tables" / "raw_opportunity_history").glob("*.parquet")) - files
        damaged = newer if is_only_the_newest else files | newer
        assert damaged
        for path in damaged:
            path.write_bytes(b"spoiled" + path.read_bytes()[7:])
        assert one.store.damaged(second)
        living.change(4, 12)
        living.later(hours=1)
        third = one.pull()
        assert known(one.tables(third)) == truth(living)
        assert third.pull.how == ("changes" if is_only_the_newest else "whole")
        assert "damaged" in dict(third.findings)[second.extract_id]
        assert first.extract_id not in dict(third.findings)


def test_an_older_version_never_replaces_a_newer_one(tmp_path: Path) -> None:
    living = LivingOrg(3)
    with reading(living, tmp_path) as one:
        one.pull()
        living.later(minutes=2)
        living.change(1, 50)
        living.later(minutes=2)
        newest = one.pull()
        living.org.run(
            'UPDATE "Opportunity" SET "Amount" = 1, "SystemModstamp" = ? WHERE "Id" = ?',
            ["2026-03-01T12:01:00.000Z", living.id_of(1)],
        )
        living.later(minutes=2)
        assert known(one.tables(one.pull())) == known(one.tables(newest))


def test_deleted_records_stay_with_the_moment_of_their_deletion(tmp_path: Path) -> None:
    living = LivingOrg(6)
    with reading(living, tmp_path) as one:
        one.pull()
        living.later(days=1)
        living.org.delete("Opportunity", living.id_of(1))
        living.org.purge("Opportunity", living.id_of(2))
        gone_at = living.now
        living.later(hours=1)
        tables = one.tables(one.pull())
        deals = tables["raw_opportunities"].set_index("opportunity_id")
        for number in (1, 2):
            assert deals.loc[living.id_of(number), "is_deleted"]
            assert deals.loc[living.id_of(number), "modified_at"] == gone_at
        assert not deals.loc[living.id_of(3), "is_deleted"]
        assert living.id_of(2) in set(
            tables["raw_opportunity_history"]["opportunity_id"]
        )  # our copy of what Salesforce forgot


def test_a_restored_record_lives_again_and_one_restored_while_we_read_too(tmp_path: Path) -> None:
    living = LivingOrg(6)
    with reading(living, tmp_path) as one:
        one.pull()
        living.later(hours=1)
        living.org.delete("Opportunity", living.id_of(1))
        living.later(hours=1)
        assert known(one.tables(one.pull()))[living.id_of(1)][2]
        living.org.save("Opportunity", living.id_of(1), IsDeleted=False)
        living.org.purged["Opportunity"] = [
            (living.id_of(1), living.org.stamp())
        ]  # the log was asked just before
        living.later(hours=1)
        assert known(one.tables(one.pull())) == truth(living)


@pytest.mark.parametrize(
    "days",
    [8, 20, 31],
    ids=["weekly comparison", "beyond the log of deletions", "monthly reading of everything"],
)
def test_a_record_that_is_gone_without_a_trace_is_found(days: int, tmp_path: Path) -> None:
    living = LivingOrg(6)
    with reading(living, tmp_path) as one:
        one.pull()
        living.org.purge("Opportunity", living.id_of(2), is_logged=False)
        living.later(days=days)
        record = one.pull()
        deals = one.tables(record)["raw_opportunities"].set_index("opportunity_id")
        assert deals.loc[living.id_of(2), "is_deleted"]
        assert deals.loc[living.id_of(2), "modified_at"] == record.extracted_at
        assert "1 records are gone without a trace" in places(one)["Opportunity"]


def test_many_vanished_records_stop_until_a_person_says_that_they_were_deleted(
    tmp_path: Path,
) -> None:
    living = LivingOrg(60)
    with reading(living, tmp_path) as one:
        first = one.pull()
        for number in range(40):
            living.org.purge("Opportunity", living.id_of(number), is_logged=False)
        living.later(days=8)
        with pytest.raises(
            VanishedRecords,
            match=r"40 of 60 records of Opportunity can no longer be seen.*--accept-vanished",
        ):
            one.pull()
        assert one.store.latest() == first
        record = one.pull(accepts_vanished=True)
        assert sum(deleted for _, _, deleted in known(one.tables(record)).values()) == 40


def test_a_formula_that_moves_without_a_stamp_is_found_by_the_monthly_reading(
    tmp_path: Path,
) -> None:
    living = LivingOrg(3)
    with reading(living, tmp_path) as one:
        one.pull()
        living.org.run('UPDATE "Opportunity" SET "Probability" = 55')
        living.later(days=10)
        assert set(one.tables(one.pull())["raw_opportunities"]["probability_pct"]) == {10.0}
        living.later(days=21)
        assert set(one.tables(one.pull())["raw_opportunities"]["probability_pct"]) == {55.0}


def test_what_a_killed_pull_wrote_is_undone(tmp_path: Path) -> None:
    living = LivingOrg(4)
    with reading(living, tmp_path) as one:
        first = one.pull()
        living.later(hours=1)
        living.change(1, 11)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(
                ExtractStore, "add", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt())
            )
            with pytest.raises(KeyboardInterrupt):
                one.pull()
        assert one.store.latest() == first
        living.later(hours=1)
        living.change(1, 12)
        assert known(one.tables(one.pull())) == truth(living)


def test_another_organisation_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    with reading(LivingOrg(4), tmp_path) as one:
        one.pull()
        one.server.org.run('UPDATE "Organization" SET "Id" = \'00D000000000002AAA\'')
        before = one.server.requests
        with pytest.raises(AnotherOrganization, match="set ONPACE_HOME to another folder"):
            one.pull()
        assert one.server.requests - before < 6


def test_an_org_on_this_machine_that_was_started_again_is_read_anew(tmp_path: Path) -> None:
    with reading(LivingOrg(4), tmp_path) as one:
        one.pull()
    with reading(LivingOrg(2), tmp_path) as again:
        record = again.pull()
        assert (record.pull.how, record.rows["raw_opportunities"]) == ("whole", 2)


# --- the schema drifts


def test_a_hidden_field_is_said_and_one_that_comes_back_is_read_for_every_record(
    tmp_path: Path,
) -> None:
    living = LivingOrg(4)
    living.org.run('UPDATE "Opportunity" SET "LeadSource" = \'Web\'')
    with reading(living, tmp_path) as one:
        one.pull()
        living.org.hide("Opportunity", "LeadSource")
        living.later(hours=1)
        record = one.pull()
        assert "no longer is: removed, renamed or hidden" in dict(record.findings)[
            "Opportunity.LeadSource"
        ] or "not visible" in str(record.findings)
        assert any("no longer is" in meaning for _, meaning in record.findings)
        assert one.tables(record)["raw_opportunities"]["lead_source"].isna().all()
        living.org.show("Opportunity", "LeadSource")
        living.later(hours=1)
        record = one.pull()
        assert any("whole object was read again" in meaning for _, meaning in record.findings)
        assert set(one.tables(record)["raw_opportunities"]["lead_source"]) == {"Web"}


def test_a_needed_field_that_goes_or_changes_its_type_stops(tmp_path: Path) -> None:
    living = LivingOrg(4)
    with reading(living, tmp_path) as one:
        first = one.pull()
        living.org.retype("Opportunity", "CloseDate", "string")
        with pytest.raises(
            RetypedField,
            match=r"field Opportunity.CloseDate has type string, and close_date is a day",
        ):
            one.pull()
        living.org.retype("Opportunity", "CloseDate", "date")
        living.org.rename_field("Opportunity", "CloseDate", "Close_Date__c")
        with pytest.raises(
            MissingField, match=r"field Opportunity.CloseDate is not visible.*grant read access"
        ):
            one.pull()
        assert one.store.latest() == first


def test_a_number_that_becomes_another_number_is_a_finding(tmp_path: Path) -> None:
    living = LivingOrg(4)
    with reading(living, tmp_path) as one:
        one.pull()
        living.org.retype("Opportunity", "Amount", "double")
        living.later(hours=1)
        assert any(
            place == "Opportunity.Amount" and "from currency to double" in meaning
            for place, meaning in one.pull().findings
        )


def test_a_renamed_or_retired_stage_keeps_its_meaning_for_the_past(tmp_path: Path) -> None:
    living = LivingOrg(4)
    living.change(1, 10, "Won")
    with reading(living, tmp_path) as one:
        one.pull()
        living.org.run(
            """UPDATE "OpportunityStage" SET "MasterLabel" = 'Closed Won', "ApiName" = 'Closed Won' WHERE "MasterLabel" = 'Won'"""
        )
        living.org.run(
            """UPDATE "Opportunity" SET "StageName" = 'Closed Won' WHERE "StageName" = 'Won'"""
        )
        living.org.run("""DELETE FROM "OpportunityStage" WHERE "MasterLabel" = 'Lost'""")
        living.later(hours=1)
        record = one.pull()
        said = [meaning for place, meaning in record.findings if place == "OpportunityStage"]
        assert any("stage 'Won' is called 'Closed Won' now" in each for each in said)
        assert any("stage 'Lost' is no longer listed" in each for each in said)
        stages = one.tables(record)["raw_stages"].set_index("stage_name")
        assert stages.loc["Won", "is_won"]
        assert not stages.loc["Won", "is_listed"]
        assert stages.loc["Lost", "is_closed"]
        living.later(hours=1)
        again = one.pull()
        assert not [
            meaning for place, meaning in again.findings if place == "OpportunityStage"
        ]  # said once
        assert set(one.tables(again)["raw_stages"]["stage_name"]) == {
            "Open",
            "Won",
            "Lost",
            "Closed Won",
        }


def test_a_new_currency_is_a_finding(tmp_path: Path) -> None:
    living = LivingOrg(4)
    fields = ["Id", "IsoCode", "ConversionRate", "IsCorporate"]
    living.org.add(
        "CurrencyType",
        fields,
        [{"Id": "1", "IsoCode": "EUR", "ConversionRate": 1, "IsCorporate": True}],
    )
    with reading(living, tmp_path) as one:
        one.pull()
        living.org.save("CurrencyType", "2", IsoCode="USD", ConversionRate=1.1, IsCorporate=False)
        living.later(hours=1)
        assert ("CurrencyType", "USD is new since the last reading") in one.pull().findings


def test_a_custom_amount_is_read_once_policy_names_it(tmp_path: Path) -> None:
    living = LivingOrg(4)
    living.org.add_field("Opportunity", "ACV__c", "currency")
    living.org.run('UPDATE "Opportunity" SET "ACV__c" = 12.5')
    with reading(living, tmp_path) as one:
        one.pull()
        living.later(hours=1)
        record = one.pull(custom=CustomFields(amount="ACV__c"))
        assert set(one.tables(record)["raw_opportunities"]["custom_amount"]) == {Decimal("12.5")}
        living.org.rename_field("Opportunity", "ACV__c", "ACV_EUR__c")
        with pytest.raises(
            MissingField, match=r"did it become ACV_EUR__c\?.*correct \[pipeline\] amount_field"
        ):
            one.pull(custom=CustomFields(amount="ACV__c"))


def test_a_dimension_may_be_a_field_that_is_read_anyway(tmp_path: Path) -> None:
    """Its values are there once policy names it, and no others once it names another."""
    living = LivingOrg(4)
    living.org.add_field("Opportunity", "Line__c", "picklist")
    living.org.run("""UPDATE "Opportunity" SET "Line__c" = 'Audit'""")
    with reading(living, tmp_path) as one:
        one.pull()
        for field in ("LeadSource", "Line__c", ""):
            living.later(hours=1)
            record = one.pull(custom=CustomFields(dimension=field))
            deals = one.tables(record)["raw_opportunities"]
            wanted = {"LeadSource": list(deals["lead_source"]), "Line__c": ["Audit"] * len(deals)}
            assert record.pull.dimension_field == field
            assert list(deals["dimension"].dropna()) == [
                each for each in wanted.get(field, []) if not pd.isna(each)
            ]
        with pytest.raises(RetypedField, match=r"Opportunity.AccountId has type reference"):
            one.pull(custom=CustomFields(dimension="AccountId"))
        with pytest.raises(MissingField, match=r"correct \[pipeline\] dimension"):
            one.pull(custom=CustomFields(dimension="Line_of__c"))


def test_clocks_that_differ_are_said_and_salesforces_is_used(tmp_path: Path) -> None:
    living = LivingOrg(4)
    with reading(living, tmp_path) as one:
        record = one.pull()
        assert "whose clock was used" in places(one)["clock"]
        assert record.extracted_at == living.now - timedelta(seconds=60)


# --- years later


def test_extracts_that_nothing_needs_are_forgotten_and_pinned_ones_never(tmp_path: Path) -> None:
    living = LivingOrg(4)
    with reading(living, tmp_path) as one:
        records = []
        for _ in range(4):
            records.append(one.pull())
            one.store.choose(Month(2026, 2), records[0])
            living.later(days=20)
            living.change(1, living.now.day)
        living.later(days=20)
        last = one.pull()
        old = one.store.forgettable(last.extracted_at, 30)
        assert one.store.forget(last.extracted_at, 30) == len(old) > 0
        kept = {each.extract_id for each in ExtractStore(Catalogue(tmp_path)).all()}
        assert kept == {records[0].extract_id, last.extract_id} | {
            each.extract_id
            for each in records
            if last.extracted_at - each.extracted_at < timedelta(days=30)
        }
        assert len(one.tables(records[0])["raw_opportunities"]) == 4
        assert known(one.tables(last)) == truth(living)
    assert PublishedMonths(Catalogue(tmp_path)).current(Month(2026, 2)) is None


def test_our_own_copy_of_a_month_end_is_the_first_and_stays(tmp_path: Path) -> None:
    living = LivingOrg(4)
    with reading(living, tmp_path) as one:
        first = one.pull()
        one.store.keep_month_end(Month(2026, 2), at("2026-03-01 00:00"), first)
        living.later(days=1)
        one.store.keep_month_end(Month(2026, 2), at("2026-03-01 00:00"), one.pull())
        copy = one.store.month_end(Month(2026, 2))
        assert copy is not None
        assert copy.record == first
        assert one.store.month_end(Month(2026, 1)) is None


def test_records_that_were_hidden_for_a_while_live_again_with_the_next_whole_reading(
    tmp_path: Path,
) -> None:
    living = LivingOrg(60)
    with reading(living, tmp_path) as one:
        one.pull()
        rows = living.org.run('SELECT * FROM "Opportunity" WHERE "Id" < ?', [living.id_of(40)])
        living.org.run('DELETE FROM "Opportunity" WHERE "Id" < ?', [living.id_of(40)])
        living.later(days=8)
        with pytest.raises(VanishedRecords):
            one.pull()
        for row in rows:
            living.org.run(f'INSERT INTO "Opportunity" VALUES ({", ".join("?" * len(row))})', row)
        assert known(one.tables(one.pull())) == truth(living)  # the permission was repaired


def test_amounts_with_endless_digits_are_rounded_not_refused(tmp_path: Path) -> None:
    living = LivingOrg(3)
    living.org.run('UPDATE "Opportunity" SET "Amount" = 33.333333333333336')
    with reading(living, tmp_path) as one:
        assert set(one.tables(one.pull())["raw_opportunities"]["amount"]) == {
            Decimal("33.3333333333")
        }


def test_what_another_organisation_left_unfinished_is_not_taken_up(tmp_path: Path) -> None:
    with reading(LivingOrg(5), tmp_path) as one, pytest.MonkeyPatch.context() as patch:
        one.server.org.run('UPDATE "Organization" SET "InstanceName" = \'EU42\'')
        patch.setattr(ExtractStore, "add", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            one.pull()
    other = LivingOrg(5)
    other.org.run(
        'UPDATE "Organization" SET "InstanceName" = \'EU42\', "Id" = \'00D000000000009AAA\''
    )
    other.org.run('UPDATE "Opportunity" SET "Amount" = 9')
    with reading(other, tmp_path) as two:
        assert known(two.tables(two.pull())) == truth(other)


def test_many_readings_leave_few_files_and_every_extract_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(raw_tables, "MOST_FILES", 3)
    living = LivingOrg(4)
    with reading(living, tmp_path) as one:
        seen = []
        for n in range(8):
            record = one.pull()
            seen.append((record, truth(living)))
            living.later(days=1)
            living.change(n % 4, 1_000 + n)
        for record, as_it_was in seen:
            assert known(one.tables(record)) == as_it_was
        last = seen[-1][0]
        for name in ("raw_opportunities", "raw_opportunity_history"):
            stored = DeltaTable(str(tmp_path / "tables" / name), version=last.versions[name])
            assert len(stored.file_uris()) <= 3

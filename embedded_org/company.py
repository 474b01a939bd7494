"""A generated B2B services firm whose true past is known: Tidewater Advisory.

Put the simulation here. Every change is an event; the objects that Salesforce would
hold are derived from the events, and `state_at` replays them, so that a reconstruction
can be compared with the truth. The parameters are invented: nothing here is evidence
of how companies sell.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from embedded_org.objects import Org

ZONE = ZoneInfo("Europe/London")
START_MONTH = 4
YEARS = 3
FIRST_BOOK_YEAR, LAST_BOOK_YEAR = 2022, 2040
NAME = "Tidewater Advisory"
TEAMS = ("North", "South", "Public Sector")
# Name, label of the stage, won/closed, probability, forecast category (enum and label).
STAGES = (
    ("1-Qualify", False, False, 10, "Pipeline", "Pipeline"),
    ("2-Scope", False, False, 25, "Pipeline", "Pipeline"),
    ("3-Proposal", False, False, 50, "BestCase", "Best Case"),
    ("4-Agreement", False, False, 75, "Forecast", "Commit"),
    ("Won", True, True, 100, "Closed", "Closed"),
    ("Won - framework call-off", True, True, 100, "Closed", "Closed"),
    ("Lost", True, False, 0, "Omitted", "Omitted"),
    ("Withdrawn", True, False, 0, "Omitted", "Omitted"),
)
STAGE = {stage[0]: stage for stage in STAGES}
PATH = ("1-Qualify", "2-Scope", "3-Proposal", "4-Agreement")
SEASON = (0.8, 0.9, 1.15, 0.95, 0.7, 1.2, 1.1, 1.1, 0.8, 0.9, 1.0, 1.4)  # April to March
FOLK = (
    "Amara Osei",
    "Ben Whitfield",
    "Chiara Lombardi",
    "Dafydd Pryce",
    "Elif Aydın",
    "Finlay Munro",
    "Grace Adeyemi",
    "Hannah Levy",
    "Ivan Kovačević",
    "Jun Tanaka",
    "Kirsty MacLeod",
    "Łukasz Wójcik",
    "Maeve O'Connor",
    "Nikolaos Παπαδάκης",
    "Ольга Соколова",
    "Priya Raman",
    "Quentin Lefèvre",
    "Rosa Jiménez",
    "Søren Holm",
    "Tamsin Clarke",
    "Umar Farooq",
    "Violeta Ionescu",
    "Wim de Groot",
    "Xanthe Parker",
    "Yusuf Demir",
    "Zofia Nowak",
    "Aled Morgan",
    "Bronwen Ellis",
    "Cormac Daly",
    "Dilys Rees",
    "Esther Cohen",
    "Femi Balogun",
    "Gwen Tudor",
    "Hugo Brandt",
    "Isla Grant",
    "Jonas Weber",
    "Katya Ivanova",
)
SEATS = 12
DAY_RATE = 850
PLAIN_ACCOUNTS = (
    "Harbour",
    "Kestrel",
    "Bluebell",
    "Northgate",
    "Fenwick",
    "Arden",
    "Castle",
    "Linden",
    "Summit",
    "Orchard",
    "Beacon",
    "Calder",
    "Drake",
    "Everett",
    "Foxley",
    "Granite",
    "Hollis",
    "Ivory",
    "Juniper",
    "Kingsway",
)
KINDS = (
    "Logistics",
    "Water",
    "Housing",
    "Foods",
    "Insurance",
    "Energy",
    "Rail",
    "Health Trust",
    "Council",
    "Bank",
)
# Clients whose names are not spelled in plain English letters, among others.
OTHER_ACCOUNTS = (
    "Ashdown & Sons",
    "Hartwell, Pryce & Co",
    "Nayland Assurance",
    "Marlowe Estates",
    "O'Brien Partners, Ltd",
    "Lindner Maschinenbau GmbH",
    "Thornbury Holdings",
    "北京咨询有限公司",
    "Παπαδόπουλος ΑΕ",
    "ООО «Ромашка»",
    "شركة النور",
    "Crème Brûlée & Fils",
    "Østergaard A/S",
    "Aberystwyth & Ceredigion Community Regeneration Partnership",
    "Whitcombe Trust",
    "Smile & Daughters Ltd",
)
# What is sold, with its line of business.
SERVICES = {
    "Operating model": "Advisory",
    "Bid support": "Interim",
    "Cost review": "Finance",
    "Data platform": "Technology",
    "Interim lead": "Interim",
    "Change programme": "Advisory",
    "Audit readiness": "Finance",
}
SOURCES = ("Referral", "Website", "Event", "Framework", "Existing client", "Partner")


@dataclass(frozen=True)
class Person:
    """A salesperson's stay: seat, name and months, open at the end while they are here."""

    number: int
    seat: int
    name: str
    joined: date | None
    left: date | None

    @property
    def user_id(self) -> str:
        """The user's record id."""
        return record_id("005", self.number + 1)

    @property
    def username(self) -> str:
        """The user name, by number: names may not be ASCII."""
        return f"seller{self.number + 1:02d}@tidewater.example"

    def is_here(self, day: date) -> bool:
        """Return whether the person works on a day."""
        return (self.joined is None or self.joined <= day) and (
            self.left is None or day <= self.left
        )


@dataclass(frozen=True)
class State:
    """What is true of an opportunity at an instant; `close_date` is a plain date."""

    name: str
    account_id: str
    owner_id: str
    stage: str
    amount: float | None
    close_date: date
    is_deleted: bool = False


@dataclass(frozen=True)
class Event:
    """One save: when, which opportunity, and everything that is true after it."""

    at: datetime
    opportunity_id: str
    state: State


@dataclass
class Company:
    """The firm's people, accounts and event log."""

    last_month: tuple[int, int]
    first_day: date
    end: datetime
    people: list[Person]
    accounts: dict[str, str]
    events: dict[str, list[Event]] = field(default_factory=dict)
    created_at: dict[str, datetime] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    service_lines: dict[str, str] = field(default_factory=dict)

    def state_at(self, instant: datetime) -> dict[str, State]:
        """Return the truth: every opportunity that exists strictly before an instant and is not deleted.

        A migrated record stands at its first known state from its back-dated creation on.
        """
        truth: dict[str, State] = {}
        for opportunity_id, log in self.events.items():
            if self.created_at[opportunity_id] >= instant:
                continue
            past = [event for event in log if event.at < instant]
            state = (past or log[:1])[-1].state
            if not state.is_deleted:
                truth[opportunity_id] = state
        return truth

    def org(self) -> Org:
        """Return the objects that Salesforce would hold today."""
        org = Org()
        for name, rows in self.objects().items():
            org.add(name, list(rows[0]) if rows else FIELD_HISTORY_FIELDS, rows)
        return org

    def objects(self) -> dict[str, list[Mapping[str, object]]]:
        """Return each object's rows, with Salesforce field names."""
        began = _text(datetime.combine(self.first_day, time(0), UTC))
        today = self.end.astimezone(ZONE).date()
        roles = [
            {
                "Id": record_id("00E", n),
                "Name": name,
                "ParentRoleId": record_id("00E", 1) if n > 1 else None,
                "SystemModstamp": began,
            }
            for n, name in enumerate(("Director", *TEAMS), start=1)
        ]
        director = {
            "Id": record_id("005", 900),
            "Name": "Margaret Hale",
            "Username": "director@tidewater.example",
            "Email": "director@tidewater.example",
            "IsActive": True,
            "UserRoleId": record_id("00E", 1),
            "ManagerId": None,
            "UserType": "Standard",
            "ForecastEnabled": True,
            "TimeZoneSidKey": "Europe/London",
            "CreatedDate": began,
            "SystemModstamp": began,
        }
        users = [director] + [
            director
            | {
                "Id": person.user_id,
                "Name": person.name,
                "Username": person.username,
                "Email": person.username,
                "IsActive": person.is_here(today),
                "UserRoleId": record_id("00E", 2 + person.seat % len(TEAMS)),
                "ManagerId": record_id("005", 900),
            }
            for person in staff()  # accounts exist before people join and stay when they leave
        ]
        stages = [
            {
                "Id": record_id("01J", n),
                "MasterLabel": name,
                "ApiName": name,
                "IsActive": True,
                "SortOrder": n,
                "IsClosed": closed,
                "IsWon": won,
                "DefaultProbability": probability,
                "ForecastCategory": category,
                "ForecastCategoryName": label,
                "SystemModstamp": began,
            }
            for n, (name, closed, won, probability, category, label) in enumerate(STAGES, start=1)
        ]
        organization: dict[str, object] = {
            "Id": record_id("00D", 1),
            "Name": NAME,
            "TimeZoneSidKey": "Europe/London",
            "FiscalYearStartMonth": START_MONTH,
            "UsesStartDateAsFiscalYearName": False,
            "DefaultLocaleSidKey": "en_GB",
            "IsSandbox": False,
            "OrganizationType": "Enterprise Edition",
            "SystemModstamp": began,
        }
        accounts: list[Mapping[str, object]] = [
            {
                "Id": account_id,
                "IsDeleted": False,
                "Name": name,
                "CreatedDate": began,
                "SystemModstamp": began,
            }
            for account_id, name in self.accounts.items()
        ]
        return {
            "Organization": [organization],
            "UserRole": list(roles),
            "User": list(users),
            "OpportunityStage": list(stages),
            "Account": accounts,
            "Opportunity": self._opportunities(),
            "OpportunityHistory": self._history(),
            "OpportunityFieldHistory": self._field_history(),
        }

    def _opportunities(self) -> list[Mapping[str, object]]:
        rows: list[Mapping[str, object]] = []
        for opportunity_id, log in self.events.items():
            last = log[-1]
            state = last.state
            name, closed, won, probability, category, label = STAGE[state.stage]
            rows.append(
                {
                    "Id": opportunity_id,
                    "IsDeleted": state.is_deleted,
                    "AccountId": state.account_id,
                    "Name": state.name,
                    "StageName": name,
                    "Amount": state.amount,
                    "Probability": probability,
                    "CloseDate": state.close_date.isoformat(),
                    "LeadSource": self.sources[opportunity_id],
                    "Service_Line__c": self.service_lines.get(opportunity_id),
                    "IsClosed": closed,
                    "IsWon": won,
                    "ForecastCategory": category,
                    "ForecastCategoryName": label,
                    "OwnerId": state.owner_id,
                    "CreatedDate": _text(self.created_at[opportunity_id]),
                    "LastModifiedDate": _text(last.at),
                    "SystemModstamp": _text(last.at),
                    **_service(state),
                }
            )
        return rows

    def _history(self) -> list[Mapping[str, object]]:
        rows: list[dict[str, object]] = []
        for opportunity_id, event, before in self._saves():
            state = event.state
            seen = (state.stage, state.amount, state.close_date)
            if before is not None and seen == (before.stage, before.amount, before.close_date):
                continue
            _, _, _, probability, category, _ = STAGE[state.stage]
            rows.append(
                {
                    "OpportunityId": opportunity_id,
                    "CreatedById": state.owner_id,
                    "CreatedDate": _text(event.at),
                    "StageName": state.stage,
                    "Amount": state.amount,
                    "CloseDate": state.close_date.isoformat(),
                    "Probability": probability,
                    "ForecastCategory": category,
                    "SystemModstamp": _text(event.at),
                    "IsDeleted": self.events[opportunity_id][-1].state.is_deleted,
                }
            )
        return [{"Id": record_id("008", n), **row} for n, row in enumerate(rows, start=1)]

    def _field_history(self) -> list[Mapping[str, object]]:
        names = {person.user_id: person.name for person in self.people}
        rows: list[dict[str, object]] = []
        for opportunity_id, event, before in self._saves():
            base: dict[str, object] = {
                "IsDeleted": False,
                "OpportunityId": opportunity_id,
                "CreatedById": event.state.owner_id,
                "CreatedDate": _text(event.at),
            }
            if before is None:
                rows.append(
                    base
                    | {"Field": "created", "DataType": "Text", "OldValue": None, "NewValue": None}
                )
            elif before.owner_id != event.state.owner_id:
                old, new = before.owner_id, event.state.owner_id
                rows.append(
                    base
                    | {
                        "Field": "Owner",
                        "DataType": "Text",
                        "OldValue": names[old],
                        "NewValue": names[new],
                    }
                )
                rows.append(
                    base
                    | {"Field": "Owner", "DataType": "EntityId", "OldValue": old, "NewValue": new}
                )
        return [{"Id": record_id("017", n), **row} for n, row in enumerate(rows, start=1)]

    def _saves(self) -> Iterable[tuple[str, Event, State | None]]:
        for opportunity_id, log in self.events.items():
            before: State | None = None
            for event in log:
                yield opportunity_id, event, before
                before = event.state


FIELD_HISTORY_FIELDS = [
    "Id",
    "IsDeleted",
    "OpportunityId",
    "CreatedById",
    "CreatedDate",
    "Field",
    "DataType",
    "OldValue",
    "NewValue",
]


def record_id(prefix: str, number: int) -> str:
    """Return an 18-character record id."""
    fifteen = f"{prefix}TW{number:010d}"
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
    fives = (fifteen[start : start + 5] for start in (0, 5, 10))
    return fifteen + "".join(
        alphabet[sum(1 << n for n, c in enumerate(five) if "A" <= c <= "Z")] for five in fives
    )


def staff() -> list[Person]:
    """Return everyone who ever works here: each fiscal year one seat changes hands."""
    people = [Person(seat, seat, FOLK[seat], None, None) for seat in range(SEATS)]
    holder = {person.seat: person for person in people}
    for turn, year in enumerate(range(FIRST_BOOK_YEAR, LAST_BOOK_YEAR + 1)):
        seat = (5 * turn) % SEATS
        leaver = replace(holder[seat], left=date(year - 1, 9, 30))
        people[leaver.number] = leaver
        joiner = Person(len(people), seat, FOLK[len(people)], date(year - 1, 11, 1), None)
        people.append(joiner)
        holder[seat] = joiner
    return people


def target_book() -> str:
    """Return `targets.csv` of the firm for all years of its staff plan."""
    lines = [
        "fiscal_year,owner,annual_target,currency_code,start_date,end_date,revision,effective_date,holidays"
    ]
    for year in range(FIRST_BOOK_YEAR, LAST_BOOK_YEAR + 1):
        first, last = date(year - 1, START_MONTH, 1), date(year, START_MONTH, 1) - timedelta(days=1)
        for person in staff():
            if (person.joined and person.joined > last) or (person.left and person.left < first):
                continue
            amount = round((520 + 35 * (person.seat % 4)) * 1.04 ** (year - FIRST_BOOK_YEAR)) * 1000
            start = (
                person.joined.isoformat()
                if person.joined and person.joined > first - timedelta(days=120)
                else ""
            )
            end = person.left.isoformat() if person.left and person.left <= last else ""
            known = (first - timedelta(days=31)).isoformat()
            lines.append(f"{year},{person.username},{amount}.00,GBP,{start},{end},1,{known},GB-ENG")
            if person.seat == 7 and not end:  # one seat's target is raised each July
                lines.append(
                    f"{year},{person.username},{amount + 24000}.00,GBP,{start},{end},2,{year - 1}-07-10,GB-ENG"
                )
    return "\n".join(lines) + "\n"


def company(seed: int, last_month: tuple[int, int]) -> Company:
    """Return the firm with three fiscal years of history up to the end of `last_month`."""
    chance = random.Random(seed)  # a simulation
    year, month = last_month
    this_year_start = date(year if month >= START_MONTH else year - 1, START_MONTH, 1)
    first_day = date(this_year_start.year - YEARS + 1, START_MONTH, 1) - timedelta(days=150)
    after = date(year + month // 12, month % 12 + 1, 1)
    names = [f"{a} {k}" for k in KINDS for a in PLAIN_ACCOUNTS]
    chance.shuffle(names)
    names = [*OTHER_ACCOUNTS, *names[:130]]
    accounts = {record_id("001", n): name for n, name in enumerate(names, start=1)}
    end = datetime.combine(after, time(0), ZONE).astimezone(UTC)
    here = [
        p
        for p in staff()
        if (p.left is None or p.left >= first_day) and (p.joined is None or p.joined < after)
    ]
    firm = Company(last_month, first_day, end, here, accounts)
    _Simulation(firm, chance).run()
    return firm


@dataclass
class _Simulation:
    firm: Company
    chance: random.Random

    def run(self) -> None:
        ids = list(self.firm.accounts)
        self.slow = set(ids[20:32])
        number = 0
        day = self.firm.first_day
        while day < self.firm.end.astimezone(ZONE).date():
            if day.weekday() < 5:  # Monday to Friday
                season = SEASON[(day.month - START_MONTH) % 12]
                for _ in range(self._poisson(2.75 * season)):
                    number += 1
                    self._deal(number, day)
            day += timedelta(days=1)
        for further in range(number + 1, number + 6):
            self._migrated(further)

    def _deal(self, number: int, day: date) -> None:
        chance, firm = self.chance, self.firm
        opportunity_id = record_id("006", number)
        account_id = (
            chance.choice(sorted(self.slow))
            if chance.random() < 0.12
            else chance.choice(list(firm.accounts))
        )
        is_slow = account_id in self.slow
        owner = chance.choice([person for person in firm.people if person.is_here(day)])
        cycle = max(6.0, chance.lognormvariate(math.log(190 if is_slow else 62), 0.55))
        amount: float | None = (
            round(chance.lognormvariate(math.log(26_000), 0.75) / 50) * 50.0 + 500
        )
        if chance.random() < 0.06:
            amount = None
        elif chance.random() < 0.25:
            amount = round((amount or 0) + chance.random() * 100, 2)
        service = chance.choice(tuple(SERVICES))
        name = f"{firm.accounts[account_id][:80]}: {service} {number}"
        if chance.random() < 0.004:
            name = chance.choice(("NA", "None", "=1+1", "<b>bold</b>", 'two\nlines "and quotes"'))
        planned = day + timedelta(days=round(cycle * chance.uniform(0.6, 1.25)) + 5)
        state = State(name, account_id, owner.user_id, PATH[0], amount, planned)
        log = _Log(firm, chance, opportunity_id, self._moment(day), state)
        firm.sources[opportunity_id] = chance.choice(SOURCES)
        if number % 40:  # somebody forgets to say
            firm.service_lines[opportunity_id] = SERVICES[service]
        wins = chance.random() < (0.52 if is_slow else 0.34)
        fate = day + timedelta(days=round(cycle))
        reached = len(PATH) if wins else chance.randint(1, len(PATH))
        for step in range(1, reached):
            self._push_until(
                log, day + timedelta(days=round(cycle * step / (reached + 0.5))), is_slow=is_slow
            )
            changes: dict[str, object] = {"stage": PATH[step]}
            if chance.random() < 0.35 or log.state.amount is None:
                base = log.state.amount or chance.lognormvariate(math.log(24_000), 0.6)
                if chance.random() < 0.8:
                    changes["amount"] = round(base * chance.uniform(0.7, 1.25) / 10) * 10.0
            log.save(
                self._moment(day + timedelta(days=round(cycle * step / (reached + 0.5)))), **changes
            )
        self._push_until(log, fate, is_slow=is_slow)
        self._decide(log, fate, wins=wins)
        self._afterlife(log, fate, wins=wins)
        log.close()

    def _decide(self, log: _Log, fate: date, *, wins: bool) -> None:
        chance = self.chance
        if wins:
            stage = "Won - framework call-off" if chance.random() < 0.15 else "Won"
            ahead = (
                timedelta(days=chance.randint(10, 60)) if chance.random() < 0.03 else timedelta(0)
            )
            amount = log.state.amount if log.state.amount is not None else 12_500.0
            log.save(self._moment(fate), stage=stage, close_date=fate + ahead, amount=amount)
        else:
            stage = "Withdrawn" if chance.random() < 0.2 else "Lost"
            # Some lost deals are closed long after everybody knew.
            noticed = (
                fate if chance.random() < 0.85 else fate + timedelta(days=chance.randint(20, 150))
            )
            if chance.random() < 0.98:
                log.save(self._moment(noticed), stage=stage, close_date=noticed)

    def _afterlife(self, log: _Log, fate: date, *, wins: bool) -> None:
        chance = self.chance
        if not wins and STAGE[log.state.stage][1] and chance.random() < 0.05:
            back = fate + timedelta(days=chance.randint(15, 70))
            log.save(
                self._moment(back),
                stage=PATH[2],
                close_date=back + timedelta(days=chance.randint(20, 60)),
            )
            final = back + timedelta(days=chance.randint(20, 80))
            log.save(
                self._moment(final),
                stage="Won" if chance.random() < 0.5 else "Lost",
                close_date=final,
            )
        if wins and chance.random() < 0.02:  # a correction after the fact
            late = fate + timedelta(days=chance.randint(3, 40))
            log.save(
                self._moment(late),
                amount=round((log.state.amount or 0) * chance.uniform(0.8, 1.1), 2),
            )
        if chance.random() < 0.015:
            log.save(self._moment(fate + timedelta(days=chance.randint(-20, 60))), is_deleted=True)

    def _push_until(self, log: _Log, day: date, *, is_slow: bool) -> None:
        chance = self.chance
        while log.state.close_date < day:
            noticed = log.state.close_date + timedelta(days=chance.randint(-4, 18))
            if noticed >= day or chance.random() < 0.08:  # nobody re-dates it: overdue
                return
            further = chance.randint(20, 75 if is_slow else 45)
            log.save(
                self._moment(noticed),
                close_date=max(noticed, log.state.close_date) + timedelta(days=further),
            )

    def _migrated(self, number: int) -> None:
        """A record loaded from an older CRM: created long before its first history row."""
        chance, firm = self.chance, self.firm
        opportunity_id = record_id("006", number)
        account_id = chance.choice(list(firm.accounts))
        loaded = firm.first_day + timedelta(days=400 + 7 * (number % 5))
        owner = next(person for person in firm.people if person.is_here(loaded))
        state = State(
            f"Migrated {number}",
            account_id,
            owner.user_id,
            PATH[1],
            15_000.0,
            loaded + timedelta(days=60),
        )
        log = _Log(firm, chance, opportunity_id, self._moment(loaded), state)
        firm.sources[opportunity_id] = "Partner"
        log.save(self._moment(loaded + timedelta(days=40)), stage="Lost")
        log.close()
        firm.created_at[opportunity_id] = self._moment(firm.first_day + timedelta(days=5))

    def _moment(self, day: date) -> datetime:
        local = datetime.combine(day, time(8), ZONE) + timedelta(
            seconds=self.chance.randint(0, 15 * 3600 + 3500)
        )
        return local.astimezone(UTC)

    def _poisson(self, mean: float) -> int:
        limit, product, count = math.exp(-mean), self.chance.random(), 0
        while product > limit:
            product *= self.chance.random()
            count += 1
        return count


class _Log:
    """The saves of one opportunity, in order; what lies after the firm's end did not happen."""

    def __init__(
        self, firm: Company, chance: random.Random, opportunity_id: str, at: datetime, state: State
    ) -> None:
        self.firm, self.chance, self.opportunity_id = firm, chance, opportunity_id
        self.created_at, self.state = at, state
        self.events = [Event(at, opportunity_id, state)]

    def save(self, at: datetime, **changes: object) -> None:
        if self.state.is_deleted:
            return
        # Some saves fall into one second: history then orders them by id.
        at = max(at, self.events[-1].at + timedelta(seconds=self.chance.choice((0, 1, 30))))
        self.state = replace(self.state, **changes)  # type: ignore[arg-type]
        self.events.append(Event(at, self.opportunity_id, self.state))

    def close(self) -> None:
        """Hand open deals of leavers over, drop the future, and store the log."""
        events = self._handed_over()
        happened = [event for event in events if event.at < self.firm.end]
        if happened:
            self.firm.events[self.opportunity_id] = happened
            self.firm.created_at[self.opportunity_id] = self.created_at

    def _handed_over(self) -> list[Event]:
        owner = next(
            person for person in self.firm.people if person.user_id == self.events[0].state.owner_id
        )
        if owner.left is None:
            return self.events
        leaves = datetime.combine(owner.left, time(18), ZONE).astimezone(UTC)
        if leaves >= self.firm.end:
            return self.events
        before = [event for event in self.events if event.at <= leaves]
        later = [event for event in self.events if event.at > leaves]
        if not before or STAGE[before[-1].state.stage][1] or before[-1].state.is_deleted:
            return self.events
        day = owner.left + timedelta(days=1)
        mates = [
            p
            for p in self.firm.people
            if p.seat % len(TEAMS) == owner.seat % len(TEAMS) and p.is_here(day)
        ]
        heir = self.chance.choice(mates or [p for p in self.firm.people if p.is_here(day)])
        handover = Event(
            leaves + timedelta(minutes=5),
            self.opportunity_id,
            replace(before[-1].state, owner_id=heir.user_id),
        )
        moved = [
            replace(event, state=replace(event.state, owner_id=heir.user_id)) for event in later
        ]
        moved = [event for event in moved if event.at > handover.at]
        return [*before, handover, *moved]


def _service(state: State) -> dict[str, object]:
    """Return the custom fields about delivery: days of work by the amount, from two weeks after the close date on."""
    if state.amount is None:
        return {"Effort_Days__c": None, "Service_Start__c": None, "Service_End__c": None}
    effort = max(1.0, round(state.amount / DAY_RATE))
    start = state.close_date + timedelta(days=14)
    end = start + timedelta(days=round(30 + 2.5 * effort))
    return {
        "Effort_Days__c": effort,
        "Service_Start__c": start.isoformat(),
        "Service_End__c": end.isoformat(),
    }


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")

"""What each column of the tables about clients and work is directly computed from.

Put parents of client phasing, agreements and the load of work here; `lineage` joins them with those
of all other tables.
"""

from __future__ import annotations

from sales.contracts.parents import CALENDAR, COMPANY, FORECAST, STATED, Parents, alike, of

_WHOSE = of("opportunity_snapshot", "opportunity_id", "account_id")
_BOOKED = CALENDAR | _WHOSE | of("opportunity_snapshot", "is_won", "amount", "close_date")
_EXPECTED = _WHOSE | FORECAST
_NAMED = of("raw_accounts", "account_id", "name")
# Which agreements are known, and of which client.
_KNOWN = CALENDAR | _NAMED | of("policy/agreements", "account", "agreement", "signed_on")
_RUNNING = _KNOWN | of("policy/agreements", "start_date", "end_date")
_AGREED = _RUNNING | of("policy/agreements", "monthly_amount")
_AGREED_DAYS = _RUNNING | of("policy/agreements", "monthly_days")
_EFFORT = of("opportunity_snapshot", "effort_days", "service_start", "service_end")
_WORK = _BOOKED | _EXPECTED | _EFFORT | _AGREED_DAYS
_CELLS = _WORK | _AGREED
CLIENTS: Parents = {
    "as_of_month": STATED,
    **alike(_CELLS, "account_id", "month"),
    "bookings": _BOOKED,
    "expected": _EXPECTED,
    "agreed": _AGREED,
    "delivery_days": _WORK,
    "account_name": of("opportunity_snapshot", "account_id", "account_name") | _RUNNING,
}
_TEAM = _WHOSE | of("policy/agreements", "team") | of("opportunity_snapshot", "team", "created_at")
AGREEMENTS: Parents = {
    "as_of_month": STATED,
    **alike(_RUNNING, "account_id", "agreement", "signed_on", "start_date", "end_date"),
    "monthly_amount": _AGREED,
    "monthly_days": _AGREED_DAYS,
    "backlog": _AGREED,
    "open_deals": _RUNNING | _WHOSE | of("opportunity_snapshot", "is_open"),
    "team": _RUNNING | _TEAM,
    "account_name": _RUNNING,
}
_OF_TEAMS = _WORK | _TEAM
_CAPACITY = CALENDAR | of("policy/capacity", "from_month", "team", "days", "stated_on")
DELIVERY: Parents = {
    "as_of_month": STATED,
    **alike(_OF_TEAMS | _CAPACITY, "grain", "month"),
    "grain_id": _OF_TEAMS | _CAPACITY | COMPANY,
    **alike(_OF_TEAMS | _CAPACITY, "agreed_days", "won_days", "expected_days"),
    **alike(_OF_TEAMS | _CAPACITY, "capacity_days", "days_beyond", "people_needed"),
}
ACCOUNTS: Parents = {
    "as_of_month": STATED,
    **alike(_OF_TEAMS, "account_id", "team", "month", "agreed_days", "won_days", "expected_days"),
    **alike(_OF_TEAMS | _CAPACITY, "days_beyond", "people_needed"),
    "account_name": of("opportunity_snapshot", "account_name") | _OF_TEAMS,
}

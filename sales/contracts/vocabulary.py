"""Words of fixed sets that columns hold, and the shapes of months and periods."""

from __future__ import annotations

MONTH = r"^\d{4}-(0[1-9]|1[0-2])$"


PERIOD = r"^(\d{4}-(0[1-9]|1[0-2])|FY\d{4}(-Q[1-4])?)$"


GRAINS = ["person", "team", "company"]


PERIOD_KINDS = ["month", "quarter", "year"]


STATUSES = ["no_target", "covered", "ok"]


BANDS = ["secure", "on_track", "stretch", "out_of_reach"]


PROVENANCES = ["snapshot", "history", "assumed", "unknown"]


MEASURES = ["bookings", "open_pipeline", "target"]


CAUSES = ["late_edit", "owner", "amount", "deletion", "target_revision", "rate", "definition"]


FORECAST_CATEGORIES = ["Omitted", "Pipeline", "Best Case", "Most Likely", "Commit", "Closed"]

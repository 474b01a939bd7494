"""Annual targets, quotas, phasing and attainment. The pipeline that is to fill them is `coverage`."""

"""Wiring: definitions, resources, jobs, schedules. The command line is `app.cli`."""

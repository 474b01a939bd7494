"""The outside world: Salesforce, the target book, policy files, storage. No Dagster here."""

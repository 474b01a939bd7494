"""The outside world: Salesforce, the policy folder, storage, mail and the outbox. No Dagster here."""

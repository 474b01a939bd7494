"""Paper: from the month's tables to PDF. No Dagster, no Salesforce here."""

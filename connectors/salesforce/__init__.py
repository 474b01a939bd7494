"""Reading an organisation: the only place that knows Salesforce's names and protocol."""

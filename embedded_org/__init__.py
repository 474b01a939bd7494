"""The embedded Salesforce org: an HTTP server with the wire protocol, and the data it serves."""

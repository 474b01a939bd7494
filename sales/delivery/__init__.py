"""Who may get which document, and whether a month may be sent at all. Sending is `connectors.delivery`."""

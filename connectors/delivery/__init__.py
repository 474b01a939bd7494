"""Mail, the outbox and the ledger of what was sent. Who gets what is `sales.delivery`."""

"""The append-only log of what became true, and the durable handlers that follow it."""

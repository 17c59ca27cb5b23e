"""The event log as the audit trail: reading it, noting who looked, keeping secret fields secret."""

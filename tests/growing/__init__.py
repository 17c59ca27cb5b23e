"""Several processes on one PostgreSQL: what each keeps for itself must not be wrong elsewhere."""

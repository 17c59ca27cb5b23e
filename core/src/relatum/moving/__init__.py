"""Moving house: backups, restoring them, and moving between SQLite and PostgreSQL."""

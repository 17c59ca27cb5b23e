"""Background work: asked for in a transaction, worked on by PgQueuer's loop, on schedules too."""

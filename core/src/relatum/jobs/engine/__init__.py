"""PgQueuer behind the house's own tables; imported only where runs are worked on."""

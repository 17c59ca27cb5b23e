"""Which customers somebody sees, compiled into the SQL of every query."""

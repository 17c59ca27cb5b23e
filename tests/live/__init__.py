"""Events across real processes: live updates and handlers."""

"""Which plugin is at work for which purpose, and what of customers is therefore not for it."""

"""Building the application out of its rooms."""

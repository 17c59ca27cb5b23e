"""Running the reports that plugins declare."""

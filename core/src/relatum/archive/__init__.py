"""Months of the event log and of interactions that have left the database for Parquet files."""

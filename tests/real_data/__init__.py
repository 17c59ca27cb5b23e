"""The example plans on the real files, through the command, against figures from the raw files."""

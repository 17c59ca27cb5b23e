"""Moving, backing up and upgrading a whole installation with its plugins."""

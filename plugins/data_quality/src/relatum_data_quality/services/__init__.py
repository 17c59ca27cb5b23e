"""Use cases; the only writers of this plugin's tables."""

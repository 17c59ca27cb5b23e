"""Use cases of identity; the only writers of its tables."""

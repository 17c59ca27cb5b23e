"""Merging customers and taking it back, derived from what the database says points at them."""

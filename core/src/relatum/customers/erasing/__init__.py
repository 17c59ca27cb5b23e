"""Erasing customers for good: what goes, what stays without a name, and the proof of it."""

"""Bringing data in and out: plans, reading, mapping, the journal, undo and export."""

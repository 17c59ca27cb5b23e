"""Lifetime value: what was, the simple formulas, and the models of when and how much is bought."""

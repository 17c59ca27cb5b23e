"""Repeatable measurements with their limits beside them: ``python -m benchmarks --list``."""

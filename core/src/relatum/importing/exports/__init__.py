"""Exports that people ask for: two people for many records, a mark in every row, a short life."""

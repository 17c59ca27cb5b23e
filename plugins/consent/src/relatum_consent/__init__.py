"""Consent for Relatum: a preference page for customers, and requests of data subjects."""

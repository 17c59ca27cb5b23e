"""Identity for Relatum: which records are one customer, found at entry, at import and at night."""

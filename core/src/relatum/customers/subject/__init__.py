"""Everything that the house holds about one person, for the person to have."""

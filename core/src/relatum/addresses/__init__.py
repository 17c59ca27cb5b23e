"""Administrative units of addresses: their tables, how they are loaded, and reading addresses."""

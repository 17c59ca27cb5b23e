"""CRM models: what one is, whether it holds together, and what it makes of what happened."""

"""Relatum: an extensible, self-hosted CRM framework."""

"""E-mail for Relatum: hands over what the contact gate allowed to an SMTP server."""

"""People and services that may come in: passwords, sessions, tokens, second factor, invitations."""

"""Accounts, roles, who sees which rows and fields, audit."""

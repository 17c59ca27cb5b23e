"""Customers: people and organisations, how to reach them, how they hang together."""

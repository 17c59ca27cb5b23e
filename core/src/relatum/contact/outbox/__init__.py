"""Outgoing messages: decided by the gate, kept, handed to a channel, and what became of them."""

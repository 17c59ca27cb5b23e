"""Structs that cross the borders of the plugin: what comes in and what is read."""

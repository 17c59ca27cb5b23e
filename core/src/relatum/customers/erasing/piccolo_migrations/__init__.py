"""Migrations of this room, made by Piccolo."""

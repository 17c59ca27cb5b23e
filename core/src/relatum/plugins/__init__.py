"""Plugins: what is installed, what of it may run, and how it comes and goes."""

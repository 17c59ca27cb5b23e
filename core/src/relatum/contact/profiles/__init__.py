"""Regulation profiles, one TOML file each: the law as data."""

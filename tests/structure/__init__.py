"""The shape of the repository: imports, distributions, what a committed file may name."""

"""The distributions as people get them: built, installed with pip somewhere else, started there."""

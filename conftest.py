"""For every test of the repository."""

from hypothesis import settings

# A busy machine is slow now and then; a test that hangs is ended by its time limit.
settings.register_profile("relatum", deadline=None)
settings.load_profile("relatum")

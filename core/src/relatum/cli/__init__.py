"""The ``relatum`` command."""

"""For authors of Relatum plugins: a test kit (see `relatum_sdk.pytest_plugin`)."""

"""What the plugin does; the only writers of its tables."""

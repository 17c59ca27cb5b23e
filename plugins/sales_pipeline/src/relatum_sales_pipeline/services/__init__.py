"""Use cases; the only writers of the plugin's tables. Many at a time; one is a batch of one."""

"""Every hook of the house, the dispatcher that calls them, and the on/off gate."""

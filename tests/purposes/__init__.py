"""Plugins get the data of customers that is for the purposes they declare, and no more."""

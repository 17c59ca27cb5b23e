"""The JSON API: reading requests, answering them, saying what is wrong so that one can act."""

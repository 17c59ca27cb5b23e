"""The documentation leads somewhere and says what is true."""

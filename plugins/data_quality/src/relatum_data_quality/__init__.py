"""Data quality: what is wrong with records of customers, how much, and how to mend it."""

"""What the law of a country obliges to keep."""

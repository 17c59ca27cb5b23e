"""Pure values: ids, money, time, text, names, phone numbers, e-mail addresses, problems."""

"""Engines, transactions, the ``CustomerRef`` column and migrations.

One :class:`~relatum.db.database.Database` stands for the database of the running process. Piccolo
tables, raw statements and migrations all go through its engine.
"""

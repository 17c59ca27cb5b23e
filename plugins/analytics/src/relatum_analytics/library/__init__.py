"""One definition for each measure: pure functions over arrays, without database, house or clock.

Counts are whole numbers, money is whole minor units, days and months are ``datetime64`` of the
company's own zone. What cannot be answered is a :class:`~.results.NotEnough`, never a default.
"""

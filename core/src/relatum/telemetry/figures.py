"""Counting while the work goes on, as cheaply as Python can.

A counter is a dictionary and a histogram a list for each combination of labels; the library that
writes them down is imported when somebody asks for the figures, not when they are counted. All
calls come from the event loop.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping

Labels = tuple[str, ...]

#: Series of one figure; what comes beyond is counted under :data:`OVERFLOW`. Labels are routes,
#: jobs, handlers and the like, so that this is never reached; it is the net under that.
MOST_SERIES = 2_000
OVERFLOW = "(more)"


class Counter:
    """A number that only grows, for each combination of labels.

    Args:
        name: without ``_total``, which is added when it is written down.
        about: what it counts, one sentence.
        labels: their names, in the order in which values are given.
    """

    kind = "counter"

    def __init__(self, name: str, about: str, labels: Labels = ()) -> None:
        self.name = name
        self.about = about
        self.labels = labels
        self._values: dict[Labels, float] = {}

    def add(self, *values: str, n: float = 1) -> None:
        """Add ``n`` (1) to the series of these label values."""
        series = self._values
        if values in series:
            series[values] += n
        else:
            values = _bounded(series, values)
            series[values] = series.get(values, 0) + n

    def value(self, *values: str) -> float:
        """What has been counted for these label values."""
        return self._values.get(values, 0)

    def samples(self) -> Iterator[tuple[Labels, float]]:
        """Every series."""
        yield from list(self._values.items())


class Histogram:
    """How often something took how long, for each combination of labels.

    Args:
        name: with its unit, for example ``relatum_http_request_seconds``.
        about: what it measures, one sentence.
        labels: their names, in the order in which values are given.
        bounds: upper bounds of the buckets, growing.
    """

    kind = "histogram"

    def __init__(
        self, name: str, about: str, labels: Labels = (), *, bounds: tuple[float, ...]
    ) -> None:
        self.name = name
        self.about = about
        self.labels = labels
        self.bounds = bounds
        #: the count of each bucket, of what is beyond the last one, and the sum
        self._values: dict[Labels, list[float]] = {}

    def observe(self, values: Labels, amount: float) -> None:
        """Count ``amount`` in the series of these label values."""
        series = self._values.get(values)
        if series is None:
            values = _bounded(self._values, values)
            series = self._values.setdefault(values, [0] * (len(self.bounds) + 1) + [0.0])
        series[bisect_left(self.bounds, amount)] += 1
        series[-1] += amount

    def count(self, *values: str) -> int:
        """How many amounts were counted for these label values."""
        return int(sum(self._values.get(values, [0, 0])[:-1]))

    def samples(self) -> Iterator[tuple[Labels, list[tuple[str, float]], float]]:
        """Every series: its cumulated buckets (bound as text, count) and the sum."""
        for labels, series in list(self._values.items()):
            total, buckets = 0.0, []
            for bound, count in zip((*map(str, self.bounds), "+Inf"), series, strict=False):
                total += count
                buckets.append((bound, total))
            yield labels, buckets, series[-1]


class Gauge:
    """Numbers as they stand at one moment, set all at once when somebody asks for the figures."""

    kind = "gauge"

    def __init__(self, name: str, about: str, labels: Labels = ()) -> None:
        self.name = name
        self.about = about
        self.labels = labels
        self.values: dict[Labels, float] = {}

    def samples(self) -> Iterator[tuple[Labels, float]]:
        """Every series."""
        yield from list(self.values.items())


def _bounded(series: Mapping[Labels, object], values: Labels) -> Labels:
    if values in series or len(series) < MOST_SERIES:
        return values
    return (OVERFLOW,) * len(values)

"""How far it is between places."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from relatum_analytics.library.arrays import Floats, floats

#: The mean radius of the earth (IUGG).
RADIUS_KM = 6_371.0088


def kilometres(
    latitude: npt.ArrayLike,
    longitude: npt.ArrayLike,
    other_latitude: npt.ArrayLike,
    other_longitude: npt.ArrayLike,
) -> Floats:
    """Along the great circle, by the haversine formula; degrees, broadcast like NumPy does."""
    here, there = _degrees(latitude, 90), _degrees(other_latitude, 90)
    across = _degrees(other_longitude, 180) - _degrees(longitude, 180)
    square = (
        np.sin((there - here) / 2) ** 2 + np.cos(here) * np.cos(there) * np.sin(across / 2) ** 2
    )
    made: Floats = 2 * RADIUS_KM * np.arcsin(np.sqrt(np.clip(square, 0, 1)))
    return made


def _degrees(values: npt.ArrayLike, most: float) -> Floats:
    given = floats(values, "degrees")
    if (np.abs(given) > most).any():
        raise ValueError(f"expected degrees from -{most} to {most}, got {given}; swapped perhaps")
    return np.radians(given)

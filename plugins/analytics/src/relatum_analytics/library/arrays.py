"""What comes in, made into arrays that the formulas can rely on, or refused."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Days = npt.NDArray[np.datetime64]
AnyArray = npt.NDArray[np.generic]


def floats(values: npt.ArrayLike, name: str) -> Floats:
    """Finite numbers of any shape.

    Raises:
        ValueError: something is no number, or not finite.
    """
    found = np.asarray(values)
    if found.size == 0:
        return np.zeros(found.shape)
    if found.dtype.kind not in "iufb":
        raise ValueError(f"expected numbers in {name}, got {found.dtype}; convert them first")
    made = found.astype(np.float64)
    if not np.isfinite(made).all():
        raise ValueError(f"expected finite numbers in {name}, got NaN or infinity; take them out")
    return made


def not_negative(values: npt.ArrayLike, name: str) -> Floats:
    """Finite numbers of which none is below zero."""
    found = floats(values, name)
    if (found < 0).any():
        raise ValueError(f"expected {name} of at least 0, got {found.min()}; mend the source")
    return found


def positive(values: npt.ArrayLike, name: str) -> Floats:
    """Finite numbers above zero."""
    found = floats(values, name)
    if (found <= 0).any():
        raise ValueError(f"expected {name} above 0, got {found.min()}; leave those out")
    return found


def shares(values: npt.ArrayLike, name: str) -> Floats:
    """Numbers between 0 and 1."""
    found = not_negative(values, name)
    if (found > 1).any():
        raise ValueError(f"expected {name} between 0 and 1, got {found.max()}; 5 % is 0.05")
    return found


def whole(values: npt.ArrayLike, name: str) -> Ints:
    """Whole numbers, such as money in minor units; a float is refused even when it is whole."""
    found = np.asarray(values)
    if found.size == 0:
        return np.zeros(found.shape, dtype=np.int64)
    if found.dtype.kind not in "iu" or (found.dtype.kind == "u" and found.max() > _MOST):
        raise ValueError(f"expected whole numbers in {name}, got {found.dtype}; round them first")
    return found.astype(np.int64)


def counts(values: npt.ArrayLike, name: str) -> Ints:
    """Whole numbers of which none is below zero."""
    found = whole(values, name)
    if (found < 0).any():
        raise ValueError(f"expected counts in {name}, got {found.min()}; counts are at least 0")
    return found


def truths(values: npt.ArrayLike, name: str) -> Bools:
    """Yes or no for each; 0 and 1 are taken for them."""
    found = np.asarray(values)
    if found.dtype.kind == "b":
        return found.astype(np.bool_)
    if found.size and (found.dtype.kind not in "iuf" or not np.isin(found, (0, 1)).all()):
        raise ValueError(f"expected true or false in {name}, got {found.dtype}; use 0 and 1")
    return found.astype(np.bool_)


def days(values: npt.ArrayLike, name: str) -> Days:
    """Days of the company's zone, as ``datetime64[D]``."""
    return _dates(values, name, "D")


def months(values: npt.ArrayLike, name: str) -> Days:
    """Months of the company's zone, as ``datetime64[M]``."""
    return _dates(values, name, "M")


def seconds(values: npt.ArrayLike, name: str) -> Days:
    """Moments by the clock on the company's wall, as ``datetime64[s]``."""
    return _dates(values, name, "s")


def same_length(**columns: AnyArray) -> int:
    """How many rows the columns have.

    Raises:
        ValueError: they are not all of one dimension and one length.
    """
    sizes = {name: column.shape for name, column in columns.items()}
    if len(set(sizes.values())) != 1 or any(len(shape) != 1 for shape in sizes.values()):
        said = ", ".join(f"{name} {shape}" for name, shape in sizes.items())
        raise ValueError(f"expected columns of one length, got {said}; give one value for each row")
    return int(next(iter(sizes.values()))[0])


def _dates(values: npt.ArrayLike, name: str, unit: str) -> Days:
    found = np.asarray(values)
    if found.dtype.kind != "M":
        raise ValueError(f"expected datetime64 in {name}, got {found.dtype}; convert it first")
    made: Days = found.astype(f"datetime64[{unit}]")
    if np.isnat(made).any():
        raise ValueError(f"expected a date in every row of {name}, got NaT; leave those out")
    return made


_MOST = np.iinfo(np.int64).max

"""Tables of metrics: numpy's structured arrays, but a column that is not there is an error that names those that are."""

from __future__ import annotations

from typing import Any

import numpy as np

from .settings import nearest


class Table(np.ndarray[Any, Any]):
    """As a structured array; columns of it are plain arrays."""

    def __getitem__(self, key: Any) -> Any:
        if not isinstance(key, str):
            return super().__getitem__(key)
        names = self.dtype.names or ()
        if key not in names:
            raise ValueError(f"there is no column {key!r}{nearest(key, names)}; there are: {', '.join(names)}")
        return np.asarray(super().__getitem__(key))

"""Columns as a DataFrame of pandas, which is an extra."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from automl.errors import AutoMLError

if TYPE_CHECKING:
    import pandas as pd


def data_frame(
    columns: Mapping[str, Sequence[Any]], *, fractions: Sequence[str] = (), counts: Sequence[str] = ()
) -> pd.DataFrame:
    """The columns as a DataFrame, in their order.

    fractions  columns of floats, where None becomes NaN
    counts     columns of whole numbers, where None becomes NA

    Raises AutoMLError if pandas is missing.
    """
    try:
        import pandas as pd
    except ImportError:
        raise AutoMLError(
            "a DataFrame needs pandas, which is not installed. Install it with: pip install 'yolo-automl[page]'"
        ) from None
    types = {**dict.fromkeys(fractions, "float64"), **dict.fromkeys(counts, "Int64")}
    return pd.DataFrame({name: pd.Series(list(values), dtype=types.get(name)) for name, values in columns.items()})

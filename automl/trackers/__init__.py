"""Export of a study to other tools: CSV files, MLflow, Optuna and TensorBoard."""

from automl.trackers.contents import Contents, Exported
from automl.trackers.reading import contents_of
from automl.trackers.tools import TOOLS, check_tool, write

__all__ = ["TOOLS", "Contents", "Exported", "check_tool", "contents_of", "write"]

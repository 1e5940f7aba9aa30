"""Annotations of other tools as a YOLO data set: COCO JSON and Pascal VOC XML."""

from automl.data.conversion.convert import Conversion, conversion_folder, convert, converted
from automl.data.conversion.records import Kind

__all__ = ["Conversion", "Kind", "conversion_folder", "convert", "converted"]

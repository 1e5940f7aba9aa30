"""Recipes: the file with which a user trains a trial again."""

from automl.recipes.place import check_place, defaults_beside
from automl.recipes.recipe import (
    FORMATS,
    LONG,
    Subject,
    arguments,
    beginning,
    no_recipe_text,
    recipe_text,
    subject_of,
    write_recipe,
)

__all__ = [
    "FORMATS",
    "LONG",
    "Subject",
    "arguments",
    "beginning",
    "check_place",
    "defaults_beside",
    "no_recipe_text",
    "recipe_text",
    "subject_of",
    "write_recipe",
]

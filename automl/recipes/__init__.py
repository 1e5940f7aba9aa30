"""Recipes: the file with which a user trains a trial again."""

from automl.recipes.place import check_place, defaults_beside
from automl.recipes.promised import KEY, Promised, digest_of, promised_from
from automl.recipes.recipe import FORMATS, arguments, beginning, no_recipe_text, recipe_text, write_recipe
from automl.recipes.subject import LONG, Subject, subject_of

__all__ = [
    "FORMATS",
    "KEY",
    "LONG",
    "Promised",
    "Subject",
    "arguments",
    "beginning",
    "check_place",
    "defaults_beside",
    "digest_of",
    "no_recipe_text",
    "promised_from",
    "recipe_text",
    "subject_of",
    "write_recipe",
]

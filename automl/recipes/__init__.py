"""Recipes: what a user takes home from a study."""

from automl.recipes.recipe import FORMATS, LONG, Subject, arguments, beginning, check_place, recipe_text, write_recipe

__all__ = ["FORMATS", "LONG", "Subject", "arguments", "beginning", "check_place", "recipe_text", "write_recipe"]

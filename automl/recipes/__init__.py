"""Recipes: what a user takes home from a study."""

from automl.recipes.recipe import FORMATS, write_recipe

__all__ = ["FORMATS", "write_recipe"]

"""Recipes: what a user takes home from a study."""

from automl.recipes.recipe import FORMATS, recipe_text, write_recipe

__all__ = ["FORMATS", "recipe_text", "write_recipe"]

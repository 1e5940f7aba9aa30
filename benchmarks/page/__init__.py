"""How fast the page shows a study of many trials."""

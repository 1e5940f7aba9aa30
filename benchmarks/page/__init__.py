"""Speed and memory of the page over a study of many trials."""

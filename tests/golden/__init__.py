"""Documents as people have them, and what the readers make of them today."""

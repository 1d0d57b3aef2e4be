"""Generations of the index: built next to the one in use, checked, and switched to."""

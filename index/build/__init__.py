"""Generations of the index: built beside the one in use, checked, and switched to."""

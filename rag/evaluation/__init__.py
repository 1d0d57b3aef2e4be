"""Judging: a question set -> answers -> measures -> a verdict against a baseline."""

"""Evaluation: question set -> answers -> measures -> comparison with a baseline."""

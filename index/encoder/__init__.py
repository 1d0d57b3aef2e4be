"""Encode texts as vectors, with the shipped encoder or any sentence-transformers model."""

"""Texts -> vectors: the shipped encoder, or any sentence-transformers model."""

"""Asking: a question becomes hits, evidence, a draft and an answer with checked citations."""

"""Indexing: files become articles, chunks, vectors and a searchable generation. Never imports `rag`."""

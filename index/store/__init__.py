"""The parts of a generation on disk: catalog (SQLite), vectors (Chroma) and word index (tantivy)."""

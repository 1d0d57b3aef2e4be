"""Which files and web pages are indexed, and which of them changed."""

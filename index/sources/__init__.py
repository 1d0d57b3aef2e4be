"""Which files and web pages are indexed, and what changed in them."""

"""Read plain text: words, identifiers and their normal forms."""

"""Analyse plain text: its layout, sentences, words, titles, dates and identifiers."""

"""Tests, one file for each module; tests/browser tests the page."""

"""One file per module; tests/browser for the page."""

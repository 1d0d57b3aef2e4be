"""Train, export and restore the reading model."""

"""Train and export the encoder."""

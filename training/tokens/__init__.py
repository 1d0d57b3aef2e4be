"""Train the byte-pair table that counts tokens."""

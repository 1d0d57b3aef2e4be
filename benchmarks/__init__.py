"""What is measured: every number the README claims comes from a command here."""

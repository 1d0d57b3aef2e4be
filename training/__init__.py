"""Train the shipped models from public data. The running program never imports it."""

"""The exit codes of the command line."""

ANSWERED, FAILED, MISUSED, REFUSED, INTERRUPTED = 0, 1, 2, 3, 130

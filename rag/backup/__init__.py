"""A backup of a home in one file, and its way into a home on this or another machine."""

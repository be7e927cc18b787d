"""Pure values and functions that every other package may use; this package imports nothing of ours."""

"""One lesson a file, each ending in its EXPERIMENT; this folder is the list."""

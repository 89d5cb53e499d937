"""What is stored of each feature: writes, reads and lists, a module a feature."""

"""A folder for PYTHONPATH; nothing is imported from it by name."""

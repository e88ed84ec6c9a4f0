"""The operators' door: the admin listener, never public."""

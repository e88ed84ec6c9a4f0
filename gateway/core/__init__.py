"""Nouns that every room shares; this package imports nothing of ours."""

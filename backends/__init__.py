"""The reference backends: two HTTP shells (v1, v2) over one domain and one document store."""

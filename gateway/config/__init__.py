"""The operators' file: read, made safe (schema), then made fast (Snapshot)."""

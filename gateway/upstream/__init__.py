"""The backend's side of the wire."""

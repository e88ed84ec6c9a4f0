"""v2's WebSocket in the dialect `tacn.v2`: frames, sessions, and the hub between them and the domain's events."""

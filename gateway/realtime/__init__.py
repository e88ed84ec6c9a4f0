"""Long-lived streams: one WebSocket for everyone, the hub behind it, and one upstream connection for all of them."""

"""The WebSocket fan-out beside its peers: CPU per delivery, memory per socket, latency, stalled clients, reconnects."""

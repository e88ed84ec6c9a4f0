"""What the gateway costs, beside its peers: `python -m benchmarks.run`. Never imported by the gateway."""

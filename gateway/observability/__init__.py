"""What the gateway says about itself: metrics, access log, probes."""

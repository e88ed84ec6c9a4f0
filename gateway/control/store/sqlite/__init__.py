"""The embedded driver: one file, which several gateways on one machine may share."""

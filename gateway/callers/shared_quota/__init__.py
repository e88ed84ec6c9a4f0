"""Quotas that all workers and gateways count together in Redis, or each in its part while there is no Redis."""

"""Where events, the consumer ledger and shadow samples are kept."""

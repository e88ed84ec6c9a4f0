"""One request's life: from the decision to the last byte of the answer."""

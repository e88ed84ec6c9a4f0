"""The load generator: C source and the Python that compiles and runs it."""

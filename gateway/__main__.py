"""`python -m gateway` is the same as `crossfade`."""

from gateway.cli import main

if __name__ == "__main__":
    main(prog_name="crossfade")

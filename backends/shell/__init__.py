"""What the two HTTP shells share: running, faults, failures, tokens and parsing; never a field or an envelope of either side."""

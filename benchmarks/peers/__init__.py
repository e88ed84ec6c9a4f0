"""Who is measured: the gateway and its peers, each with the same policy and one worker."""

"""The control plane's rooms: what was changed by whom, what is judged, who is still there. It never serves traffic."""

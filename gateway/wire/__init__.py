"""HTTP/1.1 on the wire (RFC 9112), the grammar that both sides share: field lines, heads, bodies. No sockets."""

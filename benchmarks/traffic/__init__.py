"""What is sent: users with tokens, paths, header sets, and the request files made of them."""

"""What has to be asked of others to know who may call, and how often: key servers and Redis."""

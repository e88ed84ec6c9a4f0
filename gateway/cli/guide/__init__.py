"""The deprecation guide that an API's users read, made from the configuration."""

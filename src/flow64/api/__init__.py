"""The documented calls, and the session that sends them."""

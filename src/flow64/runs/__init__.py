"""Start a run once for its intent, watch it, and read its rows."""

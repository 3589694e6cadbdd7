"""Compare definitions: facts by path, and the paths that differ."""

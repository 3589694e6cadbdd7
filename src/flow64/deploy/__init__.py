"""Make a plan, apply exactly that plan, and keep what a write replaces."""

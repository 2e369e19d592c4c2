"""Small programs that experiments start as processes of their own; none is imported."""

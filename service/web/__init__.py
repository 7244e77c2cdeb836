"""HTTP only: parse, make one call, answer."""

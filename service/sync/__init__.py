"""To and from immotion, in a process of its own."""

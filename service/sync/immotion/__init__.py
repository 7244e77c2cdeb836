"""Channels to immotion and the wire form of the Vorgang interface v1."""

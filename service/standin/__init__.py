"""A stand-in for immotion: Vorgang interface v1 with its own ledger and clerk pages. Imports nothing of the rest."""

"""The file drop: the Vorgang interface v1 for an ERP that only reads a folder (docs/filedrop.md)."""

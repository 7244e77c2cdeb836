"""The only place with peewee."""

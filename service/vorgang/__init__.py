"""The domain: what a Vorgang is and what may happen to it. No HTTP, no ERP, no database library."""

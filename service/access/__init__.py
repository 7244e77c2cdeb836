"""Who is asking: sessions, form tokens, what may be seen."""

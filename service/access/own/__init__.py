"""The portal's own login: registration by a letter, sign-in, reset by mail, and what an account can change."""

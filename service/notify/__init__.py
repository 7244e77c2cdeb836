"""Mail to residents: what is owed to them is composed and handed to the installation's mail server."""

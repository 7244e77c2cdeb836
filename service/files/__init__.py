"""Files: taken in as streams, proven by their content, pictures made anew, kept in a folder."""

"""Two files side by side: how they were made, what came of it, how far their dictionaries agree."""

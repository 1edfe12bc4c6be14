"""Things, characters and animals that move by themselves: what they look like, what they do, how they are shown."""

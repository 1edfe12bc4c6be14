"""Everything that only a GPU can answer, in one command that may be stopped and gone on with."""

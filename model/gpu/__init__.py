"""What makes a step quick on a GPU; all of it runs on a CPU too, where its results can be compared."""

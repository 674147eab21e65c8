"""What makes the files that ship, and runs the chapters."""

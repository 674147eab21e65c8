"""One experiment a file: its question, its parts, and the slice of it that a test makes again."""

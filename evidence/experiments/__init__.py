"""One experiment per file: its question, its parts, the slice that a test makes again, and the RULE that judges it."""

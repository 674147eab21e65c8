"""The long runs behind the chapters, on record: `make evidence` makes every record anew. README.md has the rules."""

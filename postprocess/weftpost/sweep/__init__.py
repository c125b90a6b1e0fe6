"""A sweep directory as one table: `manifest` and `collect` read it, the rest tells of it."""

"""The one exception that a user sees."""


class UserError(Exception):
    """A mistake the user can mend; its text is the single line that is printed."""

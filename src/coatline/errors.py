"""Errors that are meant for the person at the keyboard: one clear line each, never a traceback."""


class CoatlineError(Exception):
    """Base of all errors that the command line and the workflow report as one line."""


class ConfigError(CoatlineError):
    """A configuration that cannot be used; names file, key, value and what would be right."""


class InputError(CoatlineError):
    """A file or an image that cannot be used; names it and says what would be right."""


class WalltimeError(CoatlineError):
    """The time left does not suffice for a further segment; those made are kept."""

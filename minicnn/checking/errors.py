"""What the checker raises when it cannot begin; a wrong gradient is a report, never an error."""


class CheckError(ValueError):
    """The target or its inputs are not something that can be checked.

    The message has three parts: what was found, why that cannot be checked, what to do.
    """

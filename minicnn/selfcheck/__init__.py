"""The checks turned on themselves: on code that is known to be wrong, and on this library."""

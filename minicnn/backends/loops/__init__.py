"""The equations as Python loops: slow, and the definition of what is right."""

"""Checking what stands in somebody's file, in a process of its own.

====================  ==============================================================
`inputs`              what ``--input`` can say, and the arrays that come of it
`loading`             importing the file, as Python would where it lies
`finding`             the class, function or pair in it, ready to be checked
`unchecked`           parameters that stand where the checker does not look
`child`               the process in which all that happens
`running`             starting that process, waiting, ending it in time
`transfer`            the report on its way from there
====================  ==============================================================
"""

from minicnn.checking.userfile.running import Outcome, check_file

__all__ = ["Outcome", "check_file"]

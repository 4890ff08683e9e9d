from dataclasses import dataclass
from typing import Any
@dataclass
class Evidence:
    subject: Any
    cotangents: Any
    behaviour: Any
    comparisons: Any
    gradient_of: Any

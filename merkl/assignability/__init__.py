"""May a value of type A flow into a place of type B: yes, no with the reason, or unknown.

`relate(source, target)` answers; `relation` holds the words of the answer, the other modules the rules.
"""

from merkl.assignability.relate import relate
from merkl.assignability.relation import Relation, Verdict

__all__ = ["Relation", "Verdict", "relate"]

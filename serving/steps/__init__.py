"""The steps before and after the graph of a model, such as decoding pictures or looking up labels, without TensorFlow.

An export writes the steps of each signature beside the SavedModel, and a server without TensorFlow takes them. The
SavedModel has the same steps as operations of TensorFlow: `serving/signatures/` makes both from one definition.

May use `wire/` and the lower rooms.
"""

from . import arrays as arrays
from . import boxes as boxes
from . import categories as categories
from . import classes as classes
from . import columns as columns
from . import examples as examples
from . import generated as generated
from . import ids as ids
from . import names as names
from . import normal as normal
from . import padded as padded
from . import pictures as pictures
from . import tokens as tokens

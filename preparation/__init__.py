"""How examples become the inputs of a model: the same for training, for the exported signatures and for requests.

`description.py` has a class for each kind of data. A run keeps the description in `preparation.json`, and an exported
version keeps it in its signatures. `images.py` converts picture files inside a TensorFlow graph, and
`pillow_images.py` converts them with Pillow. `decoding.py` generates texts from the probabilities of a decoder.

This folder imports no other folder of the package. It imports TensorFlow only inside the functions that build graphs,
because the server and the client use the descriptions without TensorFlow.
"""

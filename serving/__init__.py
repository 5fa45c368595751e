"""Serving: export and import of models, the embedded model server, and its client.

This package does not depend on the gallery's models or on training. Its folders, from the lowest layer to the highest
(a module imports only from its own folder and from folders above it in this list; `tests/test_layering.py` checks it):

    errors, limits, memory, ports, quiet    shared by all folders
    wire, saved_model                       messages to NumPy arrays and back; the signatures of a SavedModel
    config                                  flags and configuration files
    observe                                 metrics, request log, traces
    engines                                 run a signature: OpenVINO, TensorFlow, TensorFlow Lite
    batching                                runs several requests as one batch
    core                                    inference on NumPy arrays
    lifecycle                               which versions are loaded and available to requests
    processes                               worker processes and calls between processes
    api                                     gRPC and REST
    server                                  the embedded model server
    client, launcher                        sends requests to a server; starts a server
    signatures, export, targets             Keras model to SavedModel, or to a file for another runtime
    importer, doctor                        model file to SavedModel; where a model can run
"""

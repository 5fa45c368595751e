"""Serving: export and import of models, the embedded model server, and the client of the server.

This package does not depend on the gallery's models or on training. Its folders, from the lowest layer to the highest
(a module imports only from its own folder and from folders above it in this list; `tests/test_layering.py` checks it):

    errors, limits, memory, ports, quiet    shared by all folders
    wire                                    converts messages to NumPy arrays and back
    saved_model                             reads the signatures of a SavedModel
    config                                  reads flags and configuration files
    observe                                 writes metrics, request log and traces
    engines                                 run a signature with OpenVINO, TensorFlow or TensorFlow Lite
    batching                                runs several requests as one batch
    core                                    runs inference on NumPy arrays
    lifecycle                               decides which versions are loaded and available to requests
    processes                               starts worker processes and calls between processes
    api                                     offers gRPC and REST
    server                                  is the embedded model server
    client                                  sends requests to a server
    launcher                                starts a server
    signatures, export, targets             convert a Keras model to a SavedModel, or to a file for another runtime
    importer                                converts a model file to a SavedModel
    doctor                                  predicts which runtimes can run a model
"""

"""Serving: export and import of models, the embedded model server, and the client of the server.

This package does not depend on the gallery's models or on training. This list of its folders begins with the lowest
one. A module may import only from its own folder and from lower folders (nearer to the start of the list);
`tests/test_layering.py` checks it.

    errors, leftovers, limits, memory,
    ports, quiet, allowed_operations,
    landlock, printable                     modules that all folders may use
    wire, saved_model                       bytes to NumPy arrays and back; the signatures of a SavedModel
    config                                  flags and configuration files
    observe                                 metrics, request log, traces; the limit of pending requests
    engines                                 run a signature: OpenVINO, TensorFlow, TensorFlow Lite
    batching                                runs several requests as one batch
    core                                    inference on NumPy arrays; loads models, sets up their batching
    lifecycle                               decides which versions are loaded
    processes                               starts worker processes; calls functions in other processes
    api                                     gRPC, REST, HTTP connections, OpenAPI
    server                                  the programs that run: the main program and the worker process
    client, launcher                        sends requests to a server; starts a server
    signatures, export, targets             convert a Keras model to a SavedModel, or for another runtime
    importer                                converts a model file to a SavedModel
    doctor                                  predicts which runtimes can load a model
"""

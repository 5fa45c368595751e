"""Serving: from a Keras model to answered requests, without the models and the training.

Rooms, from the lowest to the highest. A module imports only from its own room and from rooms before it;
`tests/test_layering.py` checks this.

    errors, limits, memory, ports, quiet    what all rooms share
    wire, saved_model                       bytes to NumPy and back; a SavedModel's signatures
    config                                  flags and configuration files
    observe                                 metrics, request log, traces
    engines                                 what runs a signature: OpenVINO, TensorFlow, TensorFlow Lite
    batching                                requests that are run together
    core                                    inference on NumPy arrays
    lifecycle                               which versions are loaded, and which requests see
    processes                               worker processes and calls between them
    api                                     gRPC and REST
    server                                  the embedded model server
    client, launcher                        asks a server; starts one
    signatures, export, targets             a Keras model to a SavedModel, or to a file for another runtime
    importer, doctor                        a model file to a SavedModel; where a model can go
"""

"""Reads and writes requests and answers of the Open Inference Protocol, version 2: gRPC messages and REST bodies."""

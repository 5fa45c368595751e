"""Finds recurrent layers in the loops of an OpenVINO graph and replaces them with OpenVINO's fused operations."""

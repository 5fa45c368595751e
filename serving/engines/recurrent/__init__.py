"""Finds loops in an OpenVINO graph that are recurrent layers, and replaces them with OpenVINO's fused operations."""

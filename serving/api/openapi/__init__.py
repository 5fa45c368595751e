"""The signatures of the loaded models as an OpenAPI document and as an HTML page."""

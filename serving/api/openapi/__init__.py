"""The loaded models' signatures as an OpenAPI document and as a page."""

"""Autoencoders: an `encoder` (image → code) and a `decoder` (code → image), trained to reconstruct the image."""

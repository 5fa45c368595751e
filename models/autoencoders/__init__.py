"""Autoencoders: `encoder` (image → code) and `decoder` (code → image), trained to give back the image."""

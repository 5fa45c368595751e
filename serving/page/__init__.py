"""The page at `/` on the REST port: shows the served models, and lets people try them in a browser.

The page consists of the files in `static`. Its scripts use only the public REST API. They show names and answers as
text, never as markup.
"""

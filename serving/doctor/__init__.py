"""Which runtimes can take a model, and for each that can't, what stops it and the change that would mend it."""

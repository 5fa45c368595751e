"""Learns word vectors from 106 articles of Wikipedia, by predicting the words around a word."""

from dataclasses import replace

from .word2vec_cbow import RECIPES as CBOW

RECIPES = {"wikipedia": replace(CBOW["wikipedia"], learning_rate=4e-3, epochs=10, batch_size=8_192)}

"""29,848 sentences from 106 articles of the English Wikipedia. gensim includes the articles.

Shape: 28,356 training and 1,492 test sentences of up to 160 words, int32 ids, padded on the right. The target is the
    number of the article, int64. The vocabulary is the 9,167 words that occur at least five times in the training
    sentences; other words are unknown.
Split: the test sentences are a random twentieth of the sentences, with a fixed seed.
Source: Wikipedia, CC BY-SA, as in gensim's test data (`enwiki-latest-pages-articles1`, shortened), "Anarchism" to
    "Andrei Tarkovsky"; redirects are left out.
"""

import bz2
import re
from collections import Counter

import numpy as np

from ...preparation.splits import SPLITS
from ..data.dataset import Dataset
from ..data.tokens import Tokens

FILE = "enwiki-latest-pages-articles1.xml-p000000010p000030302-shortened.bz2"
TEST_SHARE = 0.05
LEAST_COUNT = 5
LONGEST = 160
SENTENCE_ENDS = re.compile(r"\n|[.!?]\s")
QUOTES = re.compile(r"'{2,}|(?<!\w)'|'(?!\w)")  # quotes of markup and quotations, but not the apostrophe in "earth's"


def load() -> Dataset:
    split = SPLITS["words"]
    sentences, articles = [], []
    for number, text in enumerate(_articles()):
        in_article = [each for each in SENTENCE_ENDS.split(QUOTES.sub("", text)) if len(split(each)) > 1]
        sentences += in_article
        articles += [number] * len(in_article)
    order = np.random.default_rng(0).permutation(len(sentences))
    test, train = np.split(order, [round(TEST_SHARE * len(order))])
    counts = Counter(word for index in train for word in split(sentences[index]))
    frequent = sorted((word for word in counts if counts[word] >= LEAST_COUNT), key=lambda word: (-counts[word], word))
    words = Tokens(tuple(frequent), "words")
    ids, numbers = words.ids(sentences, LONGEST), np.array(articles, np.int64)
    return Dataset(
        name="wikipedia",
        x_train=ids[train],
        y_train=numbers[train],
        x_test=ids[test],
        y_test=numbers[test],
        source="106 articles of Wikipedia (CC BY-SA), as in gensim's test data",
        texts={"word": words},
    )


def _articles() -> list[str]:
    """Returns the articles as plain text."""
    from gensim.corpora.wikicorpus import extract_pages, filter_wiki
    from gensim.test.utils import datapath

    with bz2.open(datapath(FILE)) as file:
        pages = [text for _, text, _ in extract_pages(file, filter_namespaces=("0",))]
    articles = [filter_wiki(text) for text in pages if not text.lstrip().lower().startswith("#redirect")]
    return [text for text in articles if text.strip()]

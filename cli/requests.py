"""The table of the commands that send images, texts or series to a running server.

`write_files` makes the commands that write files. `print_images`, `print_texts` and `print_series` make the commands
that print lines.
"""

from __future__ import annotations

from .command import Command
from .images import boxes, captions, labels_of_images, masks, print_images, write_files
from .new_images import GENERATE
from .series import print_series
from .texts import labels_of_texts, neighbours, neighbours_options, print_texts, strings

REQUESTS: dict[str, Command] = {
    "encode": write_files(
        "encode",
        "encode images; writes NPY files",
        "Writes the code of each image as an array: digit.png becomes digit.code.npy.",
        "gallery encode denoising_autoencoder demo/noisy/7.png",
    ),
    "denoise": write_files(
        "denoise",
        "remove the noise from images; writes PNG files",
        "Writes each image without its noise: digit.png becomes digit.denoised.png.",
        "gallery denoise denoising_autoencoder demo/noisy",
    ),
    "colorize": write_files(
        "colorize",
        "colour grey images; writes PNG files",
        "Writes each grey image in colour: street.png becomes street.colorized.png.",
        "gallery colorize colorization_autoencoder street.png",
    ),
    "generate": GENERATE,
    "classify": print_images(
        "classify",
        "classify images; prints the label and its score",
        "Prints the file, the most probable label and its probability for each image. An input is a file, or a folder "
        "whose files are classified.",
        "gallery classify convnet digits/7.png photos",
        labels_of_images,
    ),
    "segment": write_files(
        "segment",
        "find the class of each pixel; writes PNG files",
        "Writes the class of each pixel as a coloured image: scene.png becomes scene.mask.png. "
        "If the input or the output is an NPY file, writes the numbers of the classes as an array.",
        "gallery segment segmenter scene.png",
        masks,
    ),
    "detect": write_files(
        "detect",
        "find objects in images; writes PNG files with boxes",
        "Draws a box around each object: scene.png becomes scene.boxes.png. "
        "Prints the label and the score of each object, and the edges of its box in pixels.",
        "gallery detect detector scene.png",
        boxes,
    ),
    "caption": print_images(
        "caption",
        "describe images in words; prints the captions",
        "Prints the file and the caption of each image.",
        "gallery caption vector_to_sequence digits/*.png",
        captions,
    ),
    "classify-text": print_texts(
        "text",
        "classify texts; prints the label and its score",
        "Prints each text with its most probable label and the label's probability.",
        ["gallery classify-text sequence_to_vector banana", "gallery classify-text sequence_to_vector < words.txt"],
        labels_of_texts,
    ),
    "translate": print_texts(
        "text",
        "translate texts; prints the translations",
        "Prints each text and its translation.",
        ['gallery translate encoder_decoder "57+931"'],
        strings("translate"),
    ),
    "pronounce": print_texts(
        "word",
        "find the pronunciation of words; prints the phonemes",
        "Prints each word with its phonemes.",
        ["gallery pronounce encoder_decoder gallery model"],
        strings("pronounce"),
    ),
    "nearest": print_texts(
        "word",
        "find similar words or categories; prints them with their similarity",
        "For each word or category, prints the words or categories with the most similar vectors, and their cosine "
        "similarity.",
        ["gallery nearest word2vec_skipgram king --count 5"],
        neighbours,
        neighbours_options,
    ),
    "forecast": print_series(
        "forecast time series; prints the next values",
        "Prints the file, the number of the step and the forecast values. A file has a row for each time step "
        "and a column for each feature.",
        "gallery forecast gru sales.csv",
    ),
}

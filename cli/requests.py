"""The table of the commands that send pictures, arrays, tables, texts or series to a running server.

`write_files` makes the commands that write files. `print_lines`, `print_texts` and `print_series` make the commands
that print lines. All of them also write one table of all answers: `--output codes.parquet`.
"""

from __future__ import annotations

from .command import Command
from .embed import EMBED
from .images import (
    boxes,
    labels,
    mask_first,
    masks,
    numbers,
    print_lines,
    score_first,
    scores,
    strings,
    without_last_1,
    write_files,
)
from .new_images import GENERATE
from .series import print_series
from .texts import ANALOGY, NEAREST, print_texts, tags, tags_as_text

OF_FILES: dict[str, Command] = {
    "encode": write_files(
        "encode",
        "encode images; writes NPY files",
        "Writes the code of each image as an array: digit.png becomes digit.code.npy.",
        "gallery encode denoising_autoencoder demo/noisy/7.png",
    ),
    "decode": write_files(
        "decode",
        "decode codes; writes NPY or PNG files",
        "Decodes the codes in NPY files or tables: codes.npy becomes codes.decoded.npy, and the code of one picture, "
        "digit.code.npy, becomes digit.decoded.png.",
        "gallery decode denoising_autoencoder digit.code.npy",
    ),
    "reconstruct": write_files(
        "reconstruct",
        "encode and decode images; writes PNG files",
        "Writes each image as the model reconstructs it from its code: digit.png becomes digit.reconstruction.png.",
        "gallery reconstruct dense_autoencoder digits",
    ),
    "score": print_lines(
        "score",
        "find unusual images or rows; prints the errors",
        "Prints the squared error of the reconstruction of each image or row. The error is large for data that is "
        "unlike the training data. If the model was exported with a threshold, also prints which are anomalies.",
        "gallery score dense_autoencoder digits",
        scores,
        score_first,
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
    "classify": print_lines(
        "classify",
        "classify images or rows; prints the label and its score",
        "Prints the file, the most probable label and its probability for each image, or for each row of an array or a "
        "table. An input is a file, or a folder whose files are classified.",
        "gallery classify convnet digits/7.png photos",
        labels,
    ),
    "regress": print_lines(
        "regress",
        "predict numbers; prints the predictions",
        "Prints the predictions for each image, or for each row of an array or a table.",
        "gallery regress mlp_regressor houses.csv",
        numbers,
        without_last_1,
    ),
    "embed": EMBED,
    "segment": write_files(
        "segment",
        "find the class of each pixel; writes PNG files",
        "Writes the class of each pixel as a coloured image: scene.png becomes scene.mask.png. "
        "If the input or the output is an NPY file, writes the numbers of the classes as an array.",
        "gallery segment segmenter scene.png",
        masks,
        mask_first,
    ),
    "detect": write_files(
        "detect",
        "find objects in images; writes PNG files with boxes",
        "Draws a box around each object: scene.png becomes scene.boxes.png. "
        "Prints the label and the score of each object, and the edges of its box in pixels.",
        "gallery detect detector scene.png",
        boxes,
    ),
    "caption": print_lines(
        "caption",
        "describe images in words; prints the captions",
        "Prints the file and the caption of each image.",
        "gallery caption vector_to_sequence digits/*.png",
        strings,
    ),
}
OF_TEXTS: dict[str, Command] = {
    "classify-text": print_texts(
        "classify_text",
        "text",
        "classify texts; prints the label and its score",
        "Prints each text with its most probable label and the label's probability.",
        ["gallery classify-text sequence_to_vector banana", "gallery classify-text sequence_to_vector < words.txt"],
        labels,
    ),
    "tag": print_texts(
        "tag",
        "text",
        "tag each word or character of texts; prints the tags",
        "Prints each text with the tags of its words or characters, and the probability of the least certain tag.",
        ["gallery tag sequence_tagger phone knight"],
        tags,
        tags_as_text,
    ),
    "translate": print_texts(
        "translate",
        "text",
        "translate texts; prints the translations",
        "Prints each text and its translation.",
        ['gallery translate encoder_decoder "57+931"', 'gallery translate encoder_decoder "57+931" --beam 4'],
        strings,
    ),
    "pronounce": print_texts(
        "pronounce",
        "word",
        "find the pronunciation of words; prints the phonemes",
        "Prints each word with its phonemes.",
        ["gallery pronounce encoder_decoder gallery model"],
        strings,
    ),
    "nearest": NEAREST,
    "analogy": ANALOGY,
    "forecast": print_series(
        "forecast time series; prints the next values",
        "Prints the file, the time or the number of the step, and the forecast values. A file has a row for each time "
        "step and a column for each feature. The model receives the last steps, as many as in its training.",
        "gallery forecast gru sales.csv",
    ),
}
REQUESTS = OF_FILES | OF_TEXTS

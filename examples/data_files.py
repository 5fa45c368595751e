"""Writes the files of the walk through your own data: a table, a time series and, if you have them, texts.

    python examples/data_files.py .

`wine.csv` has 178 wines in three classes (scikit-learn). `co2.csv` has the monthly mean of carbon dioxide in the air,
in ppm, from 1958 to 2001 (statsmodels). `reviews.tsv` has sentences of film reviews with their classes. It is written
only if the environment variable `GALLERY_DATA` names a folder that contains `movie_reviews/reviews.tsv.gz`.
"""

from __future__ import annotations

import argparse
import csv
import os
from pathlib import Path

from keras_gallery.training.datasets import reviews


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="folder for the files")
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    written = [wine(folder / "wine.csv"), co2(folder / "co2.csv")]
    if "GALLERY_DATA" in os.environ:
        written.append(sentences(folder / "reviews.tsv"))
    for file, rows in written:
        print(f"{file}: {rows:,} rows")


def wine(file: Path) -> tuple[Path, int]:
    """Writes the wines. Returns the file and the number of rows."""
    from sklearn.datasets import load_wine

    bunch = load_wine(as_frame=True)
    table = bunch.frame.assign(target=[bunch.target_names[label] for label in bunch.target])
    table.rename(columns={"target": "class"}).to_csv(file, index=False)
    return file, len(table)


def co2(file: Path) -> tuple[Path, int]:
    """Writes the series, with the gaps of the measurements filled in linearly."""
    from statsmodels.datasets import co2

    months = co2.load_pandas().data["co2"].resample("MS").mean().interpolate()
    months.round(2).to_csv(file, index_label="month", date_format="%Y-%m")
    return file, len(months)


def sentences(file: Path) -> tuple[Path, int]:
    """Writes the sentences and their classes."""
    source = Path(os.environ["GALLERY_DATA"], reviews.FILE)
    rows = [(sentence, reviews.LABELS[rating > 0]) for rating, sentence in reviews.read(source) if rating]
    with file.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.writer(opened, delimiter="\t", lineterminator="\n")
        writer.writerows([("text", "label"), *rows])
    return file, len(rows)


if __name__ == "__main__":
    main()

"""The tables of the page of results and their columns."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """A column of a table: heading, name of the figure, and number format."""

    heading: str
    figure: str
    form: str = ".4f"


@dataclass(frozen=True)
class Table:
    """A table with a row for each recipe that has the figures of its first three columns (or of all, if fewer)."""

    title: str
    text: str
    columns: tuple[Column, ...]


TABLES = (
    Table(
        "Classes",
        "Accuracy, and cross-entropy in nats; accuracy of a logistic regression on the inputs of at most 10,000 "
        "training examples. Of images also the accuracy when all test images are moved by 2 and by 4 pixels, which "
        "none of the training images were by more than one or two.",
        (
            Column("accuracy", "accuracy"),
            Column("cross-entropy", "cross_entropy", ".3f"),
            Column("linear", "linear_accuracy"),
            Column("moved by 2", "moved_2", ".3f"),
            Column("moved by 4", "moved_4", ".3f"),
        ),
    ),
    Table(
        "Values",
        "Root mean squared error and mean absolute error in the target's own unit, and R²; beside a linear regression"
        " and the mean of the training targets.",
        (
            Column("RMSE", "rmse", ".2f"),
            Column("linear", "linear_rmse", ".2f"),
            Column("mean", "mean_rmse", ".2f"),
            Column("MAE", "mae", ".2f"),
            Column("R²", "r2", ".3f"),
        ),
    ),
    Table(
        "Texts",
        "Accuracy, and cross-entropy in nats; beside a logistic regression on how often each word is in the text (of "
        "spelled words: each run of up to three letters), fitted to the same training examples, and beside the most "
        "frequent class.",
        (
            Column("accuracy", "accuracy"),
            Column("bag of words", "bag_of_words_accuracy"),
            Column("most frequent", "majority_accuracy"),
            Column("cross-entropy", "cross_entropy", ".3f"),
        ),
    ),
    Table(
        "Written texts",
        "Characters or phonemes that are wrong, missing or too many (Levenshtein), as a share of the true ones; share "
        "of the texts that are not right in all. The likeliest token at each step is written. Where a word is said in "
        "several ways, the nearest counts.",
        (Column("token error", "token_error", ".4f"), Column("text error", "text_error", ".4f")),
    ),
    Table(
        "Forecasts",
        "Mean absolute error and root mean squared error over all steps of all test windows, in the series' unit; "
        "beside ARIMA and exponential smoothing, whose parameters are fitted to the training span and whose state "
        "follows the series up to each forecast, the values of the last season, and the last value.",
        (
            Column("MAE", "mae", ".2f"),
            Column("ARIMA", "arima_mae", ".2f"),
            Column("smoothing", "ets_mae", ".2f"),
            Column("season", "seasonal_naive_mae", ".2f"),
            Column("last", "naive_mae", ".2f"),
            Column("RMSE", "rmse", ".2f"),
            Column("ARIMA", "arima_rmse", ".2f"),
            Column("smoothing", "ets_rmse", ".2f"),
            Column("season", "seasonal_naive_rmse", ".2f"),
            Column("last", "naive_rmse", ".2f"),
        ),
    ),
    Table(
        "The adding problem",
        "Root mean squared error of the sum of two marked values among 300; who always answers 1 has 0.408. The norm "
        "of the answer's gradient by the state after the first step, as a share of that by the last state: before "
        "and after training.",
        (
            Column("RMSE", "rmse"),
            Column("kept before", "kept_before", ".1e"),
            Column("kept after", "kept_after", ".1e"),
        ),
    ),
    Table(
        "Words",
        "Spearman's rank correlation of the vectors' cosines with how alike people find two words, over the pairs of "
        "WordSim-353 and SimLex-999 whose words are both known; beside gensim's Word2Vec on the same sentences with "
        "the same dimension, window, negatives and epochs. Our learning rates were chosen with these figures in view; "
        "gensim has its defaults. Seconds of the trainings, ours with compiling and validation, gensim's with one "
        "thread and with one for each core. Loss of an example of the test sentences in nats, and that of who knows "
        "no more than how frequent each word is.",
        (
            Column("WordSim", "wordsim", ".3f"),
            Column("gensim", "gensim_wordsim", ".3f"),
            Column("SimLex", "simlex", ".3f"),
            Column("gensim", "gensim_simlex", ".3f"),
            Column("seconds", "seconds", ".0f"),
            Column("gensim", "gensim_seconds", ".0f"),
            Column("all cores", "gensim_parallel_seconds", ".0f"),
            Column("loss", "pair_loss", ".3f"),
            Column("frequencies", "frequency_loss", ".3f"),
        ),
    ),
    Table(
        "Pixels",
        "Intersection over union of a digit's pixels, mean over the ten digits; of all digits' pixels together; share"
        " of the pixels whose class is right. On canvases of digits that were in no training canvas.",
        (
            Column("mean IoU", "mean_iou"),
            Column("foreground IoU", "foreground_iou"),
            Column("pixel accuracy", "pixel_accuracy"),
        ),
    ),
    Table(
        "Boxes",
        "Mean intersection over union of the boxes found; precision and recall of the boxes (right: the right digit, "
        "and an IoU of 0.5); average precision at that IoU, mean over the ten digits. On canvases of digits that were"
        " in no training canvas.",
        (
            Column("box IoU", "box_iou"),
            Column("precision", "precision"),
            Column("recall", "recall"),
            Column("mAP at 0.5", "map50"),
        ),
    ),
    Table(
        "Reconstruction and codes",
        "MSE of a value; accuracy of a logistic regression (probe) and of the 5 nearest neighbours (kNN) on the codes"
        " of at most 10,000 training images; AUROC of the squared error as a score that tells Fashion-MNIST's items "
        "from digits (or digits from items).",
        (
            Column("code", "code_dim", ".0f"),
            Column("MSE", "mse"),
            Column("PCA", "pca_mse"),
            Column("probe", "probe", ".3f"),
            Column("PCA", "pca_probe", ".3f"),
            Column("kNN", "knn", ".3f"),
            Column("PCA", "pca_knn", ".3f"),
            Column("AUROC", "auroc", ".4f"),
        ),
    ),
    Table(
        "PCA's subspace",
        "The largest principal angle between a linear decoder's subspace and PCA's.",
        (Column("angle in degrees", "angle", ".2f"), Column("MSE", "mse", ".5f"), Column("PCA", "pca_mse", ".5f")),
    ),
    Table(
        "Sparse codes",
        "Mean activation over the training images (ρ = 0.05), and the share of units within a fifth of ρ.",
        (Column("mean activation", "mean_activation"), Column("units near ρ", "near_rho", ".2f"), Column("MSE", "mse")),
    ),
    Table(
        "What noise does to a code",
        "How far noise of σ = 0.1 moves the code: squared distance as a share of the codes' variance; PCA's beside "
        "it. MSE of reconstructed images of uniform noise, which no model has learnt from.",
        (
            Column("shift", "shift", ".4f"),
            Column("PCA", "pca_shift", ".4f"),
            Column("MSE of test images", "mse"),
            Column("MSE of noise", "copied_noise_mse"),
        ),
    ),
    Table(
        "Colours",
        "MSE of a colour value, beside the grey picture itself and the mean colour of each grey level in the training"
        " patches.",
        (
            Column("MSE", "mse"),
            Column("mean colour", "mean_colour_mse"),
            Column("grey", "grey_mse"),
            Column("PSNR in dB", "psnr", ".2f"),
        ),
    ),
    Table(
        "Likelihood",
        "−log p(x) in nats by 5,000 importance samples, and the lower bound of log p(x); test digits binarised once "
        "at random, training digits anew in each epoch. Figures of fixed binarisations are other figures.",
        (
            Column("−log p(x)", "nll", ".2f"),
            Column("standard error", "nll_standard_error", ".2f"),
            Column("lower bound", "elbo", ".2f"),
        ),
    ),
)

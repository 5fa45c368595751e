"""The tables of the page of results, and their columns."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """A column of a table: its heading, the name of the figure in `results.json`, and the number format."""

    heading: str
    figure: str
    form: str = ".4f"


@dataclass(frozen=True)
class Table:
    """A table with a row for each recipe whose results include the metrics of the first three columns.

    In a table with fewer than three columns, the results must include the metrics of all columns.
    """

    title: str
    text: str
    columns: tuple[Column, ...]


TABLES = (
    Table(
        "Classification",
        "Accuracy, and cross-entropy in nats. `linear` is the accuracy of a logistic regression on the inputs of at "
        "most 10,000 training examples. For images, the last two columns are the accuracy on test images that are "
        "shifted by 2 and by 4 pixels. In training, no image was shifted by more than two pixels.",
        (
            Column("accuracy", "accuracy"),
            Column("cross-entropy", "cross_entropy", ".3f"),
            Column("linear", "linear_accuracy"),
            Column("shifted by 2", "moved_2", ".3f"),
            Column("shifted by 4", "moved_4", ".3f"),
        ),
    ),
    Table(
        "Regression",
        "Root mean squared error (RMSE) and mean absolute error (MAE) in the unit of the target, and R². `linear` is "
        "the RMSE of a linear regression. `mean` is the RMSE of always predicting the mean of the training targets.",
        (
            Column("RMSE", "rmse", ".2f"),
            Column("linear", "linear_rmse", ".2f"),
            Column("mean", "mean_rmse", ".2f"),
            Column("MAE", "mae", ".2f"),
            Column("R²", "r2", ".3f"),
        ),
    ),
    Table(
        "Text classification",
        "Accuracy, and cross-entropy in nats. `bag of words` is the accuracy of a logistic regression on the word "
        "counts of the text, fitted to the same training examples. If the text is a single word, the logistic "
        "regression uses the counts of all sequences of one to three adjacent letters. `most frequent` is the accuracy "
        "of always predicting the most frequent class.",
        (
            Column("accuracy", "accuracy"),
            Column("bag of words", "bag_of_words_accuracy"),
            Column("most frequent", "majority_accuracy"),
            Column("cross-entropy", "cross_entropy", ".3f"),
        ),
    ),
    Table(
        "Tagging",
        "The model predicts a tag for each token of a text: for `letter_phonemes`, the phonemes of each letter of a "
        "word. `tags` is the share of correct tags, and `texts` is the share of texts whose tags are all correct. "
        "`window` is a logistic regression on the token and on the three tokens before and after it, fitted to 100,000 "
        "training tokens. `frequent` is predicting the most frequent tag of each token.",
        (
            Column("tags", "tag_accuracy"),
            Column("window", "window_tag_accuracy"),
            Column("frequent", "frequent_tag_accuracy"),
            Column("texts", "text_accuracy"),
            Column("window", "window_text_accuracy"),
            Column("frequent", "frequent_text_accuracy"),
        ),
    ),
    Table(
        "Text generation",
        "The tokens are characters or phonemes. The token error is the number of wrong, missing and extra tokens "
        "(Levenshtein distance), as a share of the tokens of the true text. The text error is the share of texts with "
        "an error. The model writes the most probable token at each step. If a word has several pronunciations, the "
        "result is compared with the closest pronunciation.",
        (Column("token error", "token_error", ".4f"), Column("text error", "text_error", ".4f")),
    ),
    Table(
        "Forecasts",
        "Mean absolute error (MAE) and root mean squared error (RMSE) over all steps of all test windows, in the unit "
        "of the series. The other columns are the errors of ARIMA, of exponential smoothing (`smoothing`), of "
        "repeating the last season (`season`), and of repeating the last value (`last`). The parameters of ARIMA and "
        "exponential smoothing are fitted to the training part of the series. Before each forecast, their state is "
        "updated with all values of the series up to that point.",
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
        "The model adds two marked values in a sequence of 300 values. RMSE is the root mean squared error of the sum. "
        "On the test set, always predicting the mean of the training targets has an RMSE of 0.407. `kept` is the norm "
        "of the output's gradient with respect to the state after the first step, divided by the norm of its gradient "
        "with respect to the state after the last step. It is measured before and after training.",
        (
            Column("RMSE", "rmse"),
            Column("kept before", "kept_before", ".1e"),
            Column("kept after", "kept_after", ".1e"),
        ),
    ),
    Table(
        "Word embeddings",
        "Spearman's rank correlation between the cosine similarity of two vectors and human similarity ratings, over "
        "the pairs of WordSim-353 and SimLex-999 in which both words are known. `analogies` is the share of correct "
        'answers to questions such as "man is to king as woman is to …", over the questions of which all four words '
        "are known (3,594 of 19,544). gensim's Word2Vec was trained on the same sentences with the same dimension, "
        "window, number of negative samples and epochs. We chose the learning rates of our models by these results; "
        "gensim has its default learning rate. `seconds` is the training time of our models, with compilation and "
        "validation. The next two columns are the training time of gensim with one thread, and with one thread for "
        "each core (`all cores`). `loss` is the loss of the model in nats, averaged over examples from the test "
        "sentences. `frequencies` is the loss of a model that only knows how frequent each word is.",
        (
            Column("WordSim", "wordsim", ".3f"),
            Column("gensim", "gensim_wordsim", ".3f"),
            Column("SimLex", "simlex", ".3f"),
            Column("gensim", "gensim_simlex", ".3f"),
            Column("analogies", "analogies", ".3f"),
            Column("gensim", "gensim_analogies", ".3f"),
            Column("seconds", "seconds", ".0f"),
            Column("gensim", "gensim_seconds", ".0f"),
            Column("all cores", "gensim_parallel_seconds", ".0f"),
            Column("loss", "pair_loss", ".3f"),
            Column("frequencies", "frequency_loss", ".3f"),
        ),
    ),
    Table(
        "Segmentation",
        "The IoU is the intersection over union of the true and predicted pixels. The mean IoU is computed for each of "
        "the ten digits and averaged. The foreground IoU is computed for the pixels of all digits together. The pixel "
        "accuracy is the share of pixels with the right class. The test images are made from other handwritten digits "
        "than the training images.",
        (
            Column("mean IoU", "mean_iou"),
            Column("foreground IoU", "foreground_iou"),
            Column("pixel accuracy", "pixel_accuracy"),
        ),
    ),
    Table(
        "Object detection",
        "A predicted box is right if it has the digit of a true box and an intersection over union (IoU) with it of at "
        "least 0.5. Each true box counts once. The box IoU is the mean IoU of the right boxes. Precision and recall "
        "count the right boxes. mAP is the average precision, averaged over the ten digits. The test images are made "
        "from other handwritten digits than the training images.",
        (
            Column("box IoU", "box_iou"),
            Column("precision", "precision"),
            Column("recall", "recall"),
            Column("mAP at 0.5", "map50"),
        ),
    ),
    Table(
        "Reconstruction and codes",
        "`code` is the size of the code. MSE is the mean squared error of a value. `probe` is the test accuracy of a "
        "logistic regression that is fitted to the codes of at most 10,000 training images. `kNN` is the test "
        "accuracy of a classifier that uses the 5 nearest of these codes. AUROC measures how well the squared error "
        "separates the test images from images of another dataset: Fashion-MNIST for models of digits, and MNIST for "
        "models of Fashion-MNIST. Each column `PCA` has the metric of the column to its left, for PCA.",
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
        "The largest principal angle between the subspace of a linear decoder and the subspace of PCA.",
        (Column("angle in degrees", "angle", ".2f"), Column("MSE", "mse", ".5f"), Column("PCA", "pca_mse", ".5f")),
    ),
    Table(
        "Sparse codes",
        "The mean activation over the training images (the target ρ is 0.05), and the share of units whose mean "
        "activation differs from ρ by at most 20 % of ρ.",
        (Column("mean activation", "mean_activation"), Column("units near ρ", "near_rho", ".2f"), Column("MSE", "mse")),
    ),
    Table(
        "Codes under noise",
        "Gaussian noise with σ = 0.1 in an image changes the code of the image. `shift` is the mean squared distance "
        "between the two codes, divided by the variance of the codes. The last column is the MSE of reconstructed "
        "images of uniform noise, which are unlike all training images.",
        (
            Column("shift", "shift", ".4f"),
            Column("PCA", "pca_shift", ".4f"),
            Column("MSE of test images", "mse"),
            Column("MSE of noise", "copied_noise_mse"),
        ),
    ),
    Table(
        "Colorization",
        "MSE of a colour value. `mean colour` is the MSE of predicting, for each grey level, its mean colour in the "
        "training patches. `grey` is the MSE of the grey image itself.",
        (
            Column("MSE", "mse"),
            Column("mean colour", "mean_colour_mse"),
            Column("grey", "grey_mse"),
            Column("PSNR in dB", "psnr", ".2f"),
        ),
    ),
    Table(
        "Likelihood",
        "−log p(x) in nats, estimated with 5,000 importance samples, and the lower bound of log p(x). Test digits are "
        "binarised at random once. Training digits are binarised again in each epoch. Do not compare these results "
        "with published results on MNIST that was binarised once for all epochs: that is another dataset.",
        (
            Column("−log p(x)", "nll", ".2f"),
            Column("standard error", "nll_standard_error", ".2f"),
            Column("lower bound", "elbo", ".2f"),
        ),
    ),
)

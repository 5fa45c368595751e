"""The slowest test files. They start first: a slow file that starts last would delay the end of the whole run."""

from __future__ import annotations

# The files that take more than 10 seconds (`pytest --durations=0`). Key: the path below tests/. Value: the position.
LONGEST = {
    path: position
    for position, path in enumerate(
        (
            "serving/export/test_without_tensorflow.py",
            "models/test_backends.py",
            "models/test_registry.py",
            "test_readme.py",
            "training/test_train.py",
            "training/test_evaluation_of_tasks.py",
            "training/test_killed.py",
            "serving/export/test_gallery_models.py",
            "serving/signatures/test_text.py",
            "training/results/test_measure.py",
            "serving/export/test_writing.py",
            "conformance/test_conformance.py",
            "serving/importer/test_process.py",
            "serving/client/test_texts.py",
            "cli/test_main.py",
            "serving/importer/onnx/test_graph.py",
            "serving/targets/test_keras.py",
            "test_examples.py",
            "serving/engines/recurrent/test_fusion.py",
            "training/tasks/test_word_vectors.py",
            "serving/server/test_model_server.py",
            "serving/engines/openvino/test_engine.py",
            "training/figures/test_gradients_over_depth.py",
        )
    )
}

"""The test files that take longest, which start first: so that no process is left with a long one at the end."""

from __future__ import annotations

# From `pytest --durations=0`, those of over 10 seconds. By the path below tests/: the place in this order.
LONGEST = {
    path: place
    for place, path in enumerate(
        (
            "models/test_registry.py",
            "test_readme.py",
            "training/test_train.py",
            "serving/export/test_gallery_models.py",
            "serving/signatures/test_text.py",
            "training/results/test_measure.py",
            "serving/export/test_gallery_texts.py",
            "serving/export/test_writing.py",
            "conformance/test_conformance.py",
            "serving/importer/test_process.py",
            "serving/client/test_texts.py",
            "cli/test_main.py",
            "tools/test_doctor.py",
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

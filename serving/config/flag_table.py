"""The command-line flags of the embedded server.

The names and defaults are TensorFlow Serving's. Flags with `ours=True` exist only in the embedded server.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

INT32, INT64 = (1 << 31) - 1, (1 << 63) - 1
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True, slots=True)
class Flag:
    """A command-line flag, written as `--name=value` or `--name value`. For a boolean, `--name` alone means true.

    Attributes:
        default: the default value. The type of the default value is the flag's type.
        ours: whether TensorFlow Serving lacks this flag.
        ignored: whether the flag has no effect. The server accepts the flag so that TensorFlow Serving's command lines
            work.
        minimum, maximum: the range of a flag that is an integer or a float.
    """

    name: str
    default: Any
    help: str
    ours: bool = False
    ignored: bool = False
    minimum: int = 0
    maximum: int = INT32


FLAGS = (
    # === Models ===
    Flag("model_name", "default", "name of the model in --model_base_path"),
    Flag("model_base_path", "", "folder with a model's version folders (1, 2, ...)"),
    Flag(
        "model_config_file",
        "",
        "text-format ModelServerConfig file that lists the models; replaces --model_name and --model_base_path",
    ),
    Flag(
        "model_config_file_poll_wait_seconds",
        0,
        "seconds between two reads of --model_config_file; 0: read the file only at the start",
    ),
    Flag(
        "file_system_poll_wait_seconds", 1, "seconds between two searches for new versions; 0: search only at the start"
    ),
    Flag("saved_model_tags", "serve", "comma-separated tags of the meta graph to load from a SavedModel"),
    Flag(
        "allow_version_labels_for_unavailable_models", False, "allow a new label for a version that is not loaded yet"
    ),
    Flag(
        "allow_reload",
        True,
        "accept HandleReloadConfigRequest, with which any client can replace the models",
        ours=True,
    ),
    Flag(
        "restrict_models",
        False,
        "refuse SavedModels with operations that do more than compute, such as reading files; on Linux, also forbid "
        "the TensorFlow process to change files, start programs and use TCP",
        ours=True,
    ),
    Flag("enable_signature_method_name_check", False, "reject requests that do not fit the signature's method name"),
    # === Loading ===
    Flag("max_num_load_retries", 5, "how many times to retry a version that could not be loaded"),
    Flag(
        "load_retry_interval_micros",
        60_000_000,
        "microseconds between a failed load and the next try",
        minimum=-INT64,
        maximum=INT64,
    ),
    Flag("num_load_threads", 0, "maximum number of versions loaded in parallel; 0: number of CPU cores"),
    Flag("num_unload_threads", 0, "maximum number of versions unloaded in parallel; 0: 32"),
    Flag("enable_model_warmup", True, "replay the recorded warm-up requests of each version that is loaded"),
    Flag("num_request_iterations_for_warmup", 0, "how many times to replay each warm-up request; 0: once"),
    # === Ports ===
    Flag("port", 8500, "TCP port of the gRPC API; 0: no TCP port", maximum=65535),
    Flag("grpc_socket_path", "", "path of a Unix socket for the gRPC API, in addition to --port"),
    Flag("grpc_channel_arguments", "", "comma-separated name=value options of the gRPC server"),
    Flag(
        "grpc_max_threads",
        4 * CORES,
        "maximum number of gRPC requests that run in parallel, over all worker processes",
        minimum=1,
    ),
    Flag("enable_grpc_healthcheck_service", False, "offer the gRPC health service, grpc.health.v1.Health"),
    Flag("enable_grpc_reflection", False, "let tools such as grpcurl list the services and messages", ours=True),
    Flag("ssl_config_file", "", "text-format SSLConfig file with TLS keys and certificates for gRPC"),
    Flag(
        "rest_api_ssl_config_file",
        "",
        "text-format SSLConfig file with TLS keys and certificates for the REST API",
        ours=True,
    ),
    Flag(
        "auth_tokens_file",
        "",
        "JSON file of the tokens that clients must send, with their rights; empty: all clients may send requests",
        ours=True,
    ),
    Flag("use_alts_credentials", False, "use ALTS for gRPC; not supported: the server does not start with this flag"),
    Flag("rest_api_port", 0, "TCP port of the REST API; 0: no REST API", maximum=65535),
    Flag(
        "rest_api_num_threads",
        4 * CORES,
        "maximum number of REST requests that run in parallel; if gRPC is on too, the larger of this number and "
        "--grpc_max_threads applies to both APIs",
        minimum=1,
    ),
    Flag("rest_api_timeout_in_ms", 30_000, "time limit for a REST request in milliseconds"),
    Flag("rest_api_enable_cors_support", False, "send CORS headers over REST"),
    Flag(
        "enable_page",
        False,
        "show the models on a page at / on the REST port, and offer metrics even without --monitoring_config_file",
        ours=True,
    ),
    Flag("host", "0.0.0.0", "address to listen on; 0.0.0.0: all IPv4 addresses", ours=True),
    Flag("max_request_bytes", INT32, "maximum request size in bytes, over gRPC and REST", ours=True, minimum=1),
    Flag(
        "max_pending_requests",
        1024,
        "maximum number of requests in progress in one worker process",
        ours=True,
        minimum=1,
    ),
    Flag("workers", 0, "number of worker processes that answer requests; 0: one for each CPU core", ours=True),
    Flag("shutdown_grace_seconds", 15, "seconds that requests in progress may take after SIGTERM", ours=True),
    # === Running ===
    Flag("prefer_tflite_model", False, "load model.tflite instead of the SavedModel if a version has this file"),
    Flag("enable_batching", False, "run requests that arrive together as one batch"),
    Flag("batching_parameters_file", "", "text-format BatchingParameters file; needs --enable_batching"),
    Flag(
        "enable_per_model_batching_parameters",
        False,
        "read batching_params.pbtxt in each version folder; do not batch requests for versions without this file",
    ),
    Flag(
        "tensorflow_session_parallelism",
        0,
        "default of --tensorflow_intra_op_parallelism and --tensorflow_inter_op_parallelism; 0: number of CPU cores",
        maximum=INT64,
    ),
    Flag(
        "tensorflow_intra_op_parallelism",
        0,
        "number of threads that run one request; 0: --tensorflow_session_parallelism",
        maximum=INT64,
    ),
    Flag(
        "tensorflow_inter_op_parallelism",
        0,
        "number of requests that TensorFlow runs in parallel; 0: --tensorflow_session_parallelism",
        maximum=INT64,
    ),
    Flag("enable_serialization_as_tensor_content", False, "send gRPC outputs as bytes in the field tensor_content"),
    Flag(
        "convert_to_openvino",
        True,
        "run models with OpenVINO if OpenVINO supports them; false: do not use OpenVINO",
        ours=True,
    ),
    Flag(
        "openvino_cache_dir",
        "",
        "folder for converted models, reused at the next start; empty: the user's cache folder",
        ours=True,
    ),
    # === Observing ===
    Flag("monitoring_config_file", "", "text-format MonitoringConfig file with Prometheus settings for the REST port"),
    Flag("request_log", "", "log file, one JSON line for each request; -: standard output; empty: no log", ours=True),
    Flag(
        "trace_endpoint",
        "",
        "OTLP/HTTP address for OpenTelemetry spans, such as http://localhost:4318; empty: no traces",
        ours=True,
    ),
    Flag("version", False, "print the version and exit"),
    Flag(
        "check",
        False,
        "read the flags and the configuration files, load the models, print their states, and exit: with status 0 if "
        "each model has an available version, otherwise with status 1. No port is opened.",
        ours=True,
    ),
    # === Accepted for compatibility with TensorFlow Serving's command lines ===
    Flag("flush_filesystem_caches", True, "drop files from the page cache after loading", ignored=True),
    Flag("platform_config_file", "", "text-format PlatformConfigMap file", ignored=True),
    Flag("tensorflow_session_config_file", "", "text-format ConfigProto file", ignored=True),
    Flag("thread_pool_factory_config_file", "", "text-format ThreadPoolConfig file", ignored=True),
    Flag("remove_unused_fields_from_bundle_metagraph", True, "drop unused parts of a meta graph", ignored=True),
    Flag("per_process_gpu_memory_fraction", 0.0, "share of the GPU's memory to use", ignored=True, maximum=1),
    Flag("mixed_precision", "", "mixed-precision mode", ignored=True),
    Flag("enable_profiler", True, "offer the profiler service", ignored=True),
    Flag("xla_cpu_compilation_enabled", False, "compile with XLA on the CPU", ignored=True),
    Flag("xla_gpu_compilation_enabled", False, "compile with XLA on the GPU", ignored=True),
    Flag("num_tflite_pools", CORES, "number of pools of TensorFlow Lite interpreters", ignored=True),
    Flag("num_tflite_interpreters_per_pool", 1, "number of TensorFlow Lite interpreters in a pool", ignored=True),
    Flag("skip_initialize_tpu", False, "do not initialize the TPU", ignored=True),
)

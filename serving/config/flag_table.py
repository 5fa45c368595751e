"""The table of the embedded server's flags: TensorFlow Serving's own names and defaults, and a few of ours."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

INT32, INT64 = (1 << 31) - 1, (1 << 63) - 1
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True, slots=True)
class Flag:
    """One flag: `--name=value`, `--name value`, and for a boolean `--name` alone.

    Attributes:
        default: also tells the type.
        ours: whether TensorFlow Serving has no such flag.
        ignored: whether it is taken so that a command line goes on working, and changes nothing here.
        minimum, maximum: the range of a number.
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
    Flag("model_name", "default", "name of the model, with --model_base_path"),
    Flag("model_base_path", "", "folder of the model's versions"),
    Flag("model_config_file", "", "text-format ModelServerConfig file, in place of the two above"),
    Flag("model_config_file_poll_wait_seconds", 0, "how often to read that file again; 0: once at the start"),
    Flag("file_system_poll_wait_seconds", 1, "how often to look for new versions; 0: once at the start"),
    Flag("saved_model_tags", "serve", "comma-separated tags of the meta graph to load from a SavedModel"),
    Flag("allow_version_labels_for_unavailable_models", False, "let a label name a version that is not available yet"),
    Flag("enable_signature_method_name_check", False, "let Classify and Regress run signatures of their method only"),
    # === Loading ===
    Flag("max_num_load_retries", 5, "how often to try again a version that could not be loaded"),
    Flag("load_retry_interval_micros", 60_000_000, "how long to wait before that", minimum=-INT64, maximum=INT64),
    Flag("num_load_threads", 0, "how many versions are loaded at a time; 0: as many as cores"),
    Flag("num_unload_threads", 0, "how many versions are unloaded at a time; 0: 32"),
    Flag("enable_model_warmup", True, "replay the recorded warm-up requests when a version is loaded"),
    Flag("num_request_iterations_for_warmup", 0, "how often each of them is replayed; 0: once"),
    # === Ports ===
    Flag("port", 8500, "TCP port of the gRPC API; 0: none", maximum=65535),
    Flag("grpc_socket_path", "", "Unix socket of the gRPC API, beside the port"),
    Flag("grpc_channel_arguments", "", "comma-separated name=value pairs for the gRPC server"),
    Flag("grpc_max_threads", 4 * CORES, "how many runs go on at a time, for gRPC", minimum=1),
    Flag("enable_grpc_healthcheck_service", False, "answer grpc.health.v1.Health"),
    Flag("enable_grpc_reflection", False, "let tools such as grpcurl ask what can be called", ours=True),
    Flag("ssl_config_file", "", "text-format SSLConfig file: gRPC over TLS"),
    Flag("use_alts_credentials", False, "gRPC over ALTS, which is not there: refused"),
    Flag("rest_api_port", 0, "TCP port of the REST API; 0: none", maximum=65535),
    Flag("rest_api_num_threads", 4 * CORES, "the same for REST; the larger counts", minimum=1),
    Flag("rest_api_timeout_in_ms", 30_000, "longest time for a REST request"),
    Flag("rest_api_enable_cors_support", False, "send CORS headers over REST"),
    Flag("host", "0.0.0.0", "address to listen on", ours=True),
    Flag("max_request_bytes", INT32, "longest request, over gRPC and REST", ours=True, minimum=1),
    Flag("max_pending_requests", 1024, "how many requests may wait or run in a worker process", ours=True, minimum=1),
    Flag("workers", 0, "how many processes answer requests; 0: one for each core", ours=True),
    Flag("shutdown_grace_seconds", 15, "how long SIGTERM waits for requests in flight", ours=True),
    # === Running ===
    Flag("enable_batching", False, "run requests that come together as one batch"),
    Flag("batching_parameters_file", "", "text-format BatchingParameters file, with --enable_batching"),
    Flag("enable_per_model_batching_parameters", False, "batch as batching_params.pbtxt in a version's folder says"),
    Flag("tensorflow_session_parallelism", 0, "threads of both kinds below; 0: as many as cores", maximum=INT64),
    Flag("tensorflow_intra_op_parallelism", 0, "threads that work on one request; 0: as many as cores", maximum=INT64),
    Flag("tensorflow_inter_op_parallelism", 0, "requests run at a time; 0: as many as cores", maximum=INT64),
    Flag("enable_serialization_as_tensor_content", False, "send outputs in tensor_content"),
    Flag("convert_to_openvino", True, "let OpenVINO run what it can; else TensorFlow runs all", ours=True),
    Flag("openvino_cache_dir", "", "folder where converted models are kept for the next start", ours=True),
    # === Observing ===
    Flag("monitoring_config_file", "", "text-format MonitoringConfig file: Prometheus metrics on the REST port"),
    Flag("request_log", "", "file for a line of JSON a request; -: standard output", ours=True),
    Flag("trace_endpoint", "", "where OpenTelemetry spans go, OTLP over HTTP: http://localhost:4318", ours=True),
    Flag("version", False, "print the version and end"),
    # === Taken for the sake of old command lines ===
    Flag("flush_filesystem_caches", True, "drop files from the page cache after loading", ignored=True),
    Flag("platform_config_file", "", "text-format PlatformConfigMap file", ignored=True),
    Flag("tensorflow_session_config_file", "", "text-format ConfigProto file", ignored=True),
    Flag("thread_pool_factory_config_file", "", "text-format ThreadPoolConfig file", ignored=True),
    Flag("remove_unused_fields_from_bundle_metagraph", True, "keep little of a meta graph in memory", ignored=True),
    Flag("per_process_gpu_memory_fraction", 0.0, "share of the GPU's memory to take", ignored=True, maximum=1),
    Flag("mixed_precision", "", "mixed-precision mode", ignored=True),
    Flag("enable_profiler", True, "answer the profiler service", ignored=True),
    Flag("xla_cpu_compilation_enabled", False, "compile with XLA on the CPU", ignored=True),
    Flag("xla_gpu_compilation_enabled", False, "compile with XLA on the GPU", ignored=True),
    Flag("prefer_tflite_model", False, "serve model.tflite where a version has one"),
    Flag("num_tflite_pools", CORES, "pools of TensorFlow Lite interpreters", ignored=True),
    Flag("num_tflite_interpreters_per_pool", 1, "TensorFlow Lite interpreters in a pool", ignored=True),
    Flag("skip_initialize_tpu", False, "leave the TPU alone", ignored=True),
)

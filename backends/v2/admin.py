"""`/__faults` in v2's envelope and its document; the handlers are the shell's."""

from backends.domain.faults import Faults
from backends.shell.faults import FaultsBody, fault_routes
from backends.v2.endpoint import Area, Custom
from backends.v2.envelope import JSON, success
from backends.v2.openapi import Json, failure_response, reference

_SUMMARIES = {
    "GET": "The faults in force",
    "POST": "Makes calls fail, wait or lose their connection",
    "DELETE": "No faults any more",
}


def admin_area(faults: Faults) -> Area:
    """The fault switch of demonstrations and tests."""
    routes = [
        Custom(
            method=route.method,
            path=route.path,
            serve=route.handler,
            operation=_operation(route.method),
            models=(FaultsBody,),
        )
        for route in fault_routes(faults, success)
    ]
    return Area("faults", "Faults on purpose, for demonstrations and tests", tuple(routes))


def _operation(method: str) -> Json:
    operation: Json = {
        "operationId": f"{method.lower()}Faults",
        "summary": _SUMMARIES[method],
        "security": [],
        "responses": {"200": {"description": "The faults in force.", "content": {JSON: {"schema": _ANSWER}}}},
    }
    if method == "POST":
        operation["requestBody"] = {"content": {JSON: {"schema": _FAULTS}}}
        operation["responses"]["422"] = failure_response("The input is not valid.")
    return operation


_FAULTS = reference(FaultsBody.__name__)

_ANSWER = {
    "type": "object",
    "properties": {"success": {"const": True}, "data": _FAULTS, "meta": reference("Meta")},
    "required": ["success", "data", "meta"],
}

"""What our modules rely on inside Radicale 3.9, so that an update of Radicale fails here and says where to look.

Each check names the module of ours that would break, and what of Radicale it leans on.
"""

from __future__ import annotations

import inspect
import io
import re
from collections.abc import Callable
from http import client
from importlib.metadata import version
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from radicale import app as radicale_app
from radicale import config, httputils, log, pathutils, rights, server, types, xmlutils
from radicale.app import Application, base, get, propfind, report
from radicale.app.base import Access, ApplicationBase
from radicale.auth import AuthContext, BaseAuth
from radicale.auth import htpasswd as radicale_htpasswd
from radicale.config import Configuration
from radicale.item import Item, read_components
from radicale.rights import BaseRights
from radicale.storage import BaseCollection, BaseStorage

from radicale_flowfact.storage_items import LazyText

_ENVIRON = ["environ", "base_prefix", "path", "user", "user_groups", "request_info"]
_METHODS = ("DELETE", "GET", "HEAD", "MKCALENDAR", "MKCOL", "MOVE", "OPTIONS", "POST", "PROPFIND", "PROPPATCH", "PUT")

SIGNATURES: list[tuple[str, Callable[..., Any], list[str]]] = [
    ("storage.py (Storage)", BaseStorage.__init__, ["configuration"]),
    ("storage.py (Storage)", BaseStorage.discover, ["path", "depth", "child_context_manager", "user_groups"]),
    ("storage.py (Storage)", BaseStorage.create_collection, ["href", "items", "props"]),
    ("storage.py (Storage)", BaseStorage.move, ["item", "to_collection", "to_href"]),
    ("storage.py (Storage)", BaseStorage.acquire_lock, ["mode", "user", "args", "kwargs"]),
    ("storage.py (Storage)", BaseStorage.verify, []),
    ("storage_collections.py (RecordCollection)", BaseCollection.upload, ["href", "item"]),
    ("storage_collections.py (RecordCollection)", BaseCollection.delete, ["href"]),
    ("storage_collections.py (RecordCollection)", BaseCollection.sync, ["old_token"]),
    ("storage_collections.py (RecordCollection)", BaseCollection.get_multi, ["hrefs"]),
    ("storage_collections.py (RecordCollection)", BaseCollection.get_all, []),
    ("storage_collections.py (RecordCollection)", BaseCollection.get_filtered, ["filters"]),
    ("storage_collections.py (RecordCollection)", BaseCollection.has_uid, ["uid"]),
    ("storage_collections.py (RecordCollection)", BaseCollection.get_meta, ["key"]),
    ("storage_collections.py (RecordCollection)", BaseCollection.set_meta, ["props"]),
    (
        "storage_items.py (StoredItem)",
        Item.__init__,
        [
            *("collection_path", "collection", "vobject_item", "href", "last_modified", "text", "etag"),
            *("uid", "name", "component_name", "time_range"),
        ],
    ),
    ("storage_items.py (StoredItem)", Item.serialize, []),
    ("storage_items.py (StoredItem)", read_components, ["s"]),
    ("http/app.py", Application.__init__, ["configuration"]),
    ("http/app.py, http/hot/dispatch.py", Application.__call__, ["environ", "start_response"]),
    ("http/app.py (_handle_request)", Application._handle_request, ["environ"]),
    ("http/app.py (_write)", Access.__init__, ["rights", "user", "user_groups", "path", "permissions_filter"]),
    ("http/app.py (_write)", Access.check, ["permission", "item"]),
    ("http/app.py (_is_sound)", base._check_path_format, ["self", "path", "validation_type"]),
    ("http/app.py (_hot_requests_of)", BaseAuth.get_external_login, ["environ"]),
    ("http/auth/remembered_logins.py", BaseAuth.login, ["login", "password", "context"]),
    ("http/hot/dispatch.py (_target)", BaseRights.authorization, ["user", "user_groups", "path"]),
    ("http/app.py, http/report_bodies.py", xmlutils.make_clark, ["human_tag"]),
    ("http/report_bodies.py", xmlutils.make_human_tag, ["clark_tag"]),
    ("http/app.py (_by_radicale)", xmlutils.make_href, ["base_prefix", "href"]),
    ("storage.py, server/configuration.py", Configuration.copy, ["plugin_schema"]),
    ("server/configuration.py", config.load, ["paths"]),
    ("http/observe/logs.py", log.setup, []),
    ("http/observe/logs.py", log.set_level, ["level", "backtrace_on_debug", "trace_filter"]),
]


@pytest.mark.parametrize(
    ("module", "function", "wanted"), SIGNATURES, ids=[f"{one[0]}: {one[1].__qualname__}" for one in SIGNATURES]
)
def test_functions_take_what_we_give_and_give_us_what_we_take(
    module: str, function: Callable[..., Any], wanted: list[str]
) -> None:
    found = [name for name in inspect.signature(function).parameters if name != "self" or "self" in wanted]
    assert found[: len(wanted)] == wanted, f"{module} relies on {function.__qualname__}{wanted}; it takes {found}"
    rest = list(inspect.signature(function).parameters.values())[-1:] if len(found) > len(wanted) else []
    assert all(one.default is not inspect.Parameter.empty for one in rest), f"{module}: {found} wants more"


@pytest.mark.parametrize("method", [*_METHODS, "REPORT"])
def test_handlers_take_their_arguments_in_this_order(method: str) -> None:
    handler = getattr(Application, f"do_{method}", None)
    assert handler is not None, f"http/app.py wraps do_{method}"
    found = list(inspect.signature(handler).parameters)[1:]
    assert found == _ENVIRON, f"http/app.py (_handle) takes the arguments of do_{method} by position: {found}"


def test_handlers_are_looked_up_on_the_application_and_answer_with_four() -> None:
    source = inspect.getsource(Application._handle_request)
    assert 'getattr(self, "do_%s" % request_method' in source, "http/app.py wraps handlers by the name do_<METHOD>"
    assert "status, headers, answer, xml_request = function(" in source, "http/app.py answers 4-tuples"
    assert types.WSGIResponse.__args__[0] is int, "http/app.py, item_writes.py, mobileconfig.py: the status comes first"  # type: ignore[attr-defined]
    assert len(types.WSGIResponse.__args__) == 4, "http/app.py, item_writes.py, mobileconfig.py answer 4-tuples"  # type: ignore[attr-defined]
    assert 'headers["Content-Type"] += "; charset=%s"' in source, (
        "http/refusals.py (answer) leaves the charset to Radicale"
    )


def test_what_is_done_before_a_handler_is_what_hot_requests_do_themselves() -> None:
    source = inspect.getsource(Application._handle_request)
    steps = {
        "_check_path_format(self._storage, path, self._validate_path_value)": "http/app.py (_is_sound)",
        'environ.get("HTTP_X_FORWARDED_FOR")': "http/hot/dispatch.py (_FORWARDED)",
        'environ.get("HTTP_X_FORWARDED_HOST") or environ.get("HTTP_X_FORWARDED_PROTO")': "hot/dispatch.py (_FORWARDED)",
        'environ.get("HTTP_X_FORWARDED_SERVER")': "http/hot/dispatch.py (_FORWARDED)",
        '"HTTP_X_SCRIPT_NAME" if "HTTP_X_SCRIPT_NAME" in': "http/hot/dispatch.py (_target)",
        "path.removeprefix(base_prefix)": "http/hot/dispatch.py (_target)",
        "self._script_name and (reverse_proxy is True)": "http/app.py (_hot_requests_of)",
        "self._auth.get_external_login(environ)": "http/app.py (_hot_requests_of), auth/throttling.py",
        "self._auth.login(login, password, context)": "http/auth/remembered_logins.py",
        'authorization.startswith("Basic")': "http/hot/dispatch.py (_user), request_checks.py",
        'self.configuration.get("group", "type")': "http/app.py (_hot_requests_of)",
        "headers.update(self._extra_headers)": "http/hot/dispatch.py",
        'if "gzip" in accept_encoding': "http/hot/dispatch.py (_takes_gzip)",
    }
    for step, module in steps.items():
        assert step in source, f"{module} does what Radicale did by {step!r}"


def test_the_application_has_what_we_reach_into(tmp_path: Any) -> None:  # noqa: ANN401 - pytest's own
    configuration = config.load()
    settings = {"auth": {"type": "none"}, "storage": {"filesystem_folder": str(tmp_path)}}
    configuration.update({**settings, "headers": {"X-A": "b"}}, "test")
    application = Application(configuration)
    kinds = {"_auth": BaseAuth, "_rights": BaseRights, "_storage": BaseStorage, "_script_name": str, "_encoding": str}
    for name, kind in {**kinds, "_max_content_length": int, "_validate_path_value": str}.items():
        assert isinstance(getattr(application, name, None), kind), f"http/app.py relies on Application.{name}"
    assert application._sharing._enabled is False, "http/app.py (_hot_requests_of) asks whether sharing is on"
    assert dict(application._extra_headers) == {"X-A": "b"}, "http/hot/dispatch.py adds the headers of [headers]"
    assert application._rights.authorization("a", set(), "/a/tasks/") is not None, "http/hot/dispatch.py (_target)"


@pytest.mark.parametrize(
    ("module", "section", "key", "kind"),
    [
        ("http/item_writes.py", "server", "max_resource_size", int),
        ("http/app.py (_max_content_length)", "server", "max_content_length", int),
        ("http/app.py (_validate_path_value)", "server", "validate_path_value", str),
        ("commands/run.py", "server", "hosts", list),
        ("http/item_writes.py", "storage", "strict_preconditions", bool),
        ("server/configuration.py", "storage", "type", str),
        ("auth/remembered_logins.py", "auth", "type", str),
        ("auth/remembered_logins.py", "auth", "htpasswd_filename", str),
        ("http/app.py (_hot_requests_of)", "group", "type", str),
        ("http/app.py (_hot_requests_of)", "encoding", "request", str),
        ("http/observe/logs.py", "logging", "level", str),
    ],
)
def test_the_configuration_has_the_keys_we_read(module: str, section: str, key: str, kind: type) -> None:
    configuration = config.load()
    assert section in configuration.sections(), f"{module} reads [{section}]"
    assert key in configuration.options(section), f"{module} reads [{section}] {key}"
    assert isinstance(configuration.get(section, key), kind), f"{module}: [{section}] {key} is a {kind.__name__}"


def test_rights_are_checked_as_putting_does() -> None:
    source = inspect.getsource(Access)
    assert "def parent_permissions(self)" in source, "http/app.py (_write) relies on Access.parent_permissions"
    assert {"r", "w"} <= set(rights.INTERNAL_PERMISSIONS_ITEM), (
        "http/app.py (_write), http/hot/dispatch.py: permissions r and w"
    )


def test_constants_are_answers_and_words_of_ours_too() -> None:
    assert httputils.BAD_REQUEST[0] == client.BAD_REQUEST, "http/app.py (_handle) answers httputils.BAD_REQUEST"
    assert httputils.NOT_ALLOWED[0] == client.FORBIDDEN, "http/app.py (_write) answers httputils.NOT_ALLOWED"
    assert httputils.DAV_HEADERS in dict(_options()).values(), "http/app.py (do_OPTIONS) adds a word to the DAV header"
    assert xmlutils.NAMESPACES["D"] == "DAV:", "hot/multistatus.py writes DAV: as the default namespace"
    assert xmlutils.NAMESPACES["C"] == "urn:ietf:params:xml:ns:caldav", "hot/multistatus.py (_PREFIXES)"
    assert xmlutils.NAMESPACES["CR"] == "urn:ietf:params:xml:ns:carddav", "hot/multistatus.py (_PREFIXES)"


def _options() -> Any:  # noqa: ANN401 - Radicale's own headers
    return Application.do_OPTIONS(object(), {}, "", "/", "", set(), {})[1]  # type: ignore[arg-type]


def test_login_is_one_face_and_knows_no_groups_of_the_password_file() -> None:
    context = AuthContext()  # type: ignore[no-untyped-call]
    configuration = config.load()
    configuration.update({"auth": {"type": "none"}}, "test")
    found = BaseAuth._login_ext_with_groups
    assert list(inspect.signature(found).parameters)[1:] == ["login", "password", "context"], "auth/throttling.py"
    assert "Tuple[str, str, set]" in str(inspect.getsource(BaseAuth.login)), (
        "auth/remembered_logins.py (LoginResult) is a 3-tuple"
    )
    assert hasattr(context, "remote_addr"), "auth/remembered_logins.py hands the context on"
    external = radicale_htpasswd.Auth.get_external_login
    assert external is BaseAuth.get_external_login, (
        "http/app.py (_hot_requests_of) takes another one for a proxy's login"
    )


def test_reports_only_serialize_items_as_lazy_texts_can_bear() -> None:
    """``LazyText`` is no ordinary string: what Radicale does with it in between is all named here."""
    source = inspect.getsource(report.xml_report)
    uses = sorted(set(re.findall(r"\belement\.text\b[^\n]*", source)))
    assert uses == [
        "element.text = item.etag",
        "element.text = item.serialize()",
        "element.text = xmlutils.get_content_type(item, encoding)",
        'element.text or "").splitlines()',
    ], f"storage_items.py (LazyText): report.py uses texts otherwise: {uses}"
    assert "get_filtered(filters)" in inspect.getsource(report.retrieve_items), "http/report_bodies.py, storage.py"
    assert "collection.get_multi(get_names(share))" in inspect.getsource(report.retrieve_items), "storage.py"
    assert "urlparse(href_element.text).path" in source, (
        "http/report_bodies.py (_require_hrefs), hot/reports.py (_hrefs)"
    )
    assert "sanitize_path(unquote(temp_url_path))" in source, "hot/reports.py (_hrefs)"
    assert "collection.sync(old_sync_token)" in source, "storage.py: sync is asked once, with the token"


class _Batch:
    """Stands in for a batch of texts; ``LazyText`` asks it for the one text."""

    def served(self, _row: object) -> str:
        """Return the text."""
        return "5 < 6 & 7 > 4\r\nÄ]]>"


def test_the_serializer_writes_what_replace_returned() -> None:
    """ElementTree asks a text for ``in`` and ``replace`` alone; a faster one would write an empty string."""
    lazy, plain = LazyText(_Batch(), None), _Batch().served(None)  # type: ignore[arg-type]
    written = []
    for text in (lazy, plain):
        root = ET.Element("{DAV:}a")
        ET.SubElement(root, "{DAV:}b").text = text
        stream = io.BytesIO()
        ET.ElementTree(root).write(stream, encoding="utf-8", xml_declaration=True)
        written.append(stream.getvalue())
    assert written[0] == written[1], "storage_items.py (LazyText): ElementTree writes texts in another way"
    assert "ET.ElementTree(xml_content).write(f" in inspect.getsource(ApplicationBase._xml_response), "storage_items.py"


def test_a_listing_tells_of_items_what_hot_listings_tell() -> None:
    source = inspect.getsource(propfind.xml_propfind_response)
    told = set(re.findall(r'make_clark\("((?:C|CR|CS|RADICALE):[\w-]+)"\)', source))
    of_collections = {
        *("C:calendar-home-set", "C:calendar-user-address-set", "C:supported-calendar-component-set"),
        *("CR:addressbook", "CR:addressbook-home-set", "CR:supported-address-data", "C:calendar", "C:comp"),
        *("CR:address-data-type", "CS:getctag", "CS:source", "CS:subscribed"),
        *("RADICALE:displayname", "RADICALE:getcontentcount", "RADICALE:version"),
    }
    rest = told - of_collections
    assert rest == {"C:max-resource-size"}, (
        f"hot/reports.py (has_known_properties): Radicale tells more of items: {rest}"
    )
    assert "collection.sync()" in source, "storage_collections.py (sync): PROPFIND takes the token only"


def test_paths_and_ranges_are_read_as_we_do() -> None:
    assert pathutils.sanitize_path("/a//b/../c/") == "/a/c/", "request_checks.py, hot/reports.py (_hrefs)"
    assert xmlutils.make_href("/p", "/a/ü b") == "/p/a/%C3%BC%20b", "hot/multistatus.py (quoted)"
    assert "item.serialize()" in inspect.getsource(get.ApplicationPartGet.do_GET), "storage_items.py (StoredItem)"
    assert "item.last_modified" in inspect.getsource(get.ApplicationPartGet.do_GET), "http/hot/dispatch.py (_get)"


def test_servers_make_the_application_that_we_name() -> None:
    assert "Application(configuration)" in inspect.getsource(server.serve), "tests put their own application there"
    assert vars(server)["Application"] is radicale_app.Application, "radicale.server.Application can be set"
    assert hasattr(log, "register_stream"), "wsgi.py"


def test_the_version_is_the_one_that_all_this_was_read_from() -> None:
    assert version("radicale").startswith("3.9."), "pyproject.toml pins it: read Radicale's changes, then this file"

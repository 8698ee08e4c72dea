"""The schema of the config: strict, and with a sentence for every key."""

from collections.abc import Iterator
from typing import Any

import yaml
from tiny import REPO, default_config

SCHEMA = yaml.safe_load((REPO / "rules/schemas/config.schema.yaml").read_text(encoding="utf-8"))
PRESETS = sorted((REPO / "presets").glob("*.yaml"))


def test_the_schema_is_a_schema() -> None:
    import jsonschema

    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def key_paths(value: object, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if isinstance(value, dict):
        for key, below in value.items():
            yield (*path, key)
            yield from key_paths(below, (*path, key))


def declared(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The schema's parts that apply at one place, with references followed."""
    yield schema
    if "$ref" in schema:
        yield from declared(SCHEMA["$defs"][schema["$ref"].removeprefix("#/$defs/")])
    for part in schema.get("allOf", []):
        yield from declared(part)
    for branch in ("then", "else"):
        if branch in schema:
            yield from declared(schema[branch])


def property_names(schema: dict[str, Any]) -> set[str]:
    return {name for part in declared(schema) for name in part.get("properties", {})}


def objects_with_fixed_keys() -> dict[str, dict[str, Any]]:
    """Every object of the schema whose keys are fixed: path with * for free names -> schema."""
    found = {}

    def walk(schema: dict[str, Any], path: str) -> None:
        for part in declared(schema):
            for name, below in part.get("properties", {}).items():
                walk(below, f"{path}.{name}" if path else name)
            if isinstance(part.get("additionalProperties"), dict):
                walk(part["additionalProperties"], f"{path}.*")
        if property_names(schema):
            found[path] = schema

    walk(SCHEMA, "")
    return found


def test_every_object_of_the_schema_refuses_unknown_keys() -> None:
    objects = objects_with_fixed_keys()
    assert {"", "hardware", "features.*", "recipes.*", "systems.*", "fetch.files.*"} <= set(objects)
    for path, schema in objects.items():
        closed = [
            part
            for part in declared(schema)
            if part.get("additionalProperties") is False and "properties" in part
        ]
        assert closed, path


def test_every_key_of_the_schema_occurs_in_the_explained_default() -> None:
    paths = {".".join(map(str, path)) for path in key_paths(default_config())}
    texts = "".join(p.read_text(encoding="utf-8") for p in [REPO / "config.yaml", *PRESETS])
    for path, schema in objects_with_fixed_keys().items():
        depth = path.count(".") + 1 if path else 0
        for name in property_names(schema):
            wanted = [*(path.split(".") if path else []), name]
            hits = [
                found
                for found in (key.split(".") for key in paths)
                if path != "fetch.files.*"
                and len(found) == depth + 1
                and all(w in ("*", f) for w, f in zip(wanted, found, strict=True))
            ]
            if path == "fetch.files.*":  # names of archives have dots
                hits = [key for key in paths if key.startswith("fetch.") and key.endswith(name)]
            # What the default leaves out is named in its comments, or stands in a preset.
            assert hits or f"{name}:" in texts, ".".join(wanted)


def test_every_leaf_of_the_schema_says_what_to_write() -> None:
    def leaves(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
        for part in declared(schema):
            for below in part.get("properties", {}).values():
                yield from leaves(below)
            if isinstance(part.get("additionalProperties"), dict):
                yield from leaves(part["additionalProperties"])
        kinds = [part.get("type") for part in declared(schema)]
        if "object" not in kinds and "const" not in schema and not property_names(schema):
            yield schema

    found = list(leaves(SCHEMA))
    assert len(found) > 50
    for leaf in found:
        assert any("description" in part for part in declared(leaf)), leaf

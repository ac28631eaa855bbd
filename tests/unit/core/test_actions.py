import json
import os

import msgspec
import pytest

from papertape.core.action_parts import Action
from papertape.core.actions import ACTIONS


def test_names_are_unique_and_of_one_or_two_words():
    names = [action.name for action in ACTIONS]
    assert len(set(names)) == len(names)
    assert all(1 <= len(name.split(" ")) <= 2 for name in names)


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.name)
def test_an_action_says_what_it_does_and_takes(action: Action):
    assert action.summary.endswith(".")
    for field in msgspec.structs.fields(action.request):
        metas = [meta for meta in getattr(field.type, "__metadata__", ()) if isinstance(meta, msgspec.Meta)]
        assert any(meta.description for meta in metas), f"{action.name}: {field.name} has no description"
    assert msgspec.json.schema(action.request)
    assert msgspec.json.schema(action.response)


def test_the_schemas_in_the_documents_are_those_of_the_table(root):
    """ACCEPT_GOLDEN=1 writes them anew."""
    kinds = [kind for action in ACTIONS for kind in (action.request, action.response)]
    shapes, components = msgspec.json.schema_components(kinds)
    named = {
        action.name: {"request": shapes[2 * place], "response": shapes[2 * place + 1]}
        for place, action in enumerate(ACTIONS)
    }
    document = {"$schema": "https://json-schema.org/draft/2020-12/schema", "actions": named, "$defs": components}
    text = json.dumps(document, indent=1) + "\n"
    file = root / "docs" / "reference" / "actions.schema.json"
    if os.environ.get("ACCEPT_GOLDEN"):
        file.write_text(text, encoding="utf-8")
    assert file.read_text(encoding="utf-8") == text


def test_what_a_request_must_not_hold_is_refused():
    record = next(action for action in ACTIONS if action.name == "record").request
    with pytest.raises(msgspec.ValidationError, match="venue"):
        msgspec.convert({"tape": "x", "venue": 5}, record)
    with pytest.raises(msgspec.ValidationError, match="seconds"):
        msgspec.convert({"tape": "x", "venue": "binance-spot", "seconds": 0}, record)

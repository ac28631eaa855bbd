"""Listen keys: one for each account, and the end of one; what comes of them stands in the integration tests."""

import asyncio

import pytest

from papertape.venue.orders.account import Account, Key
from papertape.venue.orders.listen_keys import ListenKeys
from papertape.venue.parameters import RestError


async def test_one_key_for_each_account_until_it_is_closed() -> None:
    one, other = Account(Key("a", "a"), 1), Account(Key("b", "b"), 2)
    keys = ListenKeys(list, lambda: 0, 60)
    text = keys.open(one)
    assert (keys.open(one), keys.keep(one), len(text)) == (text, text, 64)
    assert keys.open(other) != text
    keys.close(one)
    keys.close(one)
    with pytest.raises(RestError, match="POST /fapi/v1/listenKey"):
        keys.keep(one)
    assert keys.open(one) != text
    keys.close_all()


async def test_a_key_that_is_not_kept_alive_ends() -> None:
    account = Account(Key(), 1)
    keys = ListenKeys(list, lambda: 0, 0.01)
    first = keys.open(account)
    async with asyncio.timeout(60):
        while keys.open(account) == first:
            # Asking keeps it alive: wait for longer than it lives.
            await asyncio.sleep(0.02)
    keys.close_all()

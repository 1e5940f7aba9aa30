"""The page for other machines, in a real browser: nobody sees a study without signing in."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.builders.browser import (
    says,
    served,
    settled,
    text,
)
from tests.builders.pages import curve, page_study

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_a_link_into_an_exposed_page_asks_for_sign_in(browser: Browser, tmp_path: Path) -> None:
    """Also the very first link after the start, to a page other than the first."""
    place, engine, filler = page_study(tmp_path, "secret")
    filler.trial(0, curve(0.4))
    filler.close()
    engine.dispose()
    refused = place.run("dashboard", "--public")
    assert refused.returncode == 2
    assert "needs sign-in" in refused.stderr
    (place.folder / ".streamlit").mkdir()
    (place.folder / ".streamlit" / "secrets.toml").write_text(
        '[auth]\nredirect_uri = "http://localhost/oauth2callback"\ncookie_secret = "0123456789abcdef0123456789abcdef"\nclient_id = "x"\n'
        'client_secret = "x"\nserver_metadata_url = "http://127.0.0.1:9/.well-known/openid-configuration"\n'
    )
    with served(place, browser, "--public") as site:
        for path in ("/study?study=secret", "/export?study=secret", "/"):
            with site.open(path) as page:
                says(page, "Sign in to see the studies")
                settled(page)
                assert "secret" not in text(page)

"""Attacks on ids: joining two releases, hashing all patient numbers, matching by the order of rows."""

import hashlib
import hmac
from base64 import b32encode

import pytest
from pydantic import ValidationError

from anonymization.controlled import protect_controlled_rows
from anonymization.microdata import protect_microdata
from anonymization.pseudonymize import PseudonymKey
from policies.model import ReleasePolicy
from tests.support.hospital_tables import (
    OTHER_KEY,
    column_of,
    controlled_release,
    everything,
    hierarchies,
    microdata_release,
    person,
    pseudonymized,
    raw_admissions,
    sources,
)


def text_of(protected):
    return set(everything(protected.tables).replace("'", " ").replace(",", " ").split())


def test_two_releases_share_no_id():
    source = sources()
    releases = [
        *(protect_microdata(microdata_release(), source, hierarchies=hierarchies()) for _ in range(2)),
        *(protect_controlled_rows(controlled_release(), source, hierarchies=hierarchies()) for _ in range(2)),
    ]
    ids = []
    for protected in releases:
        values = {value for value in text_of(protected) if len(value) == 32 and value.isalnum()}
        assert len(values) >= 5
        ids.append(values)
    for number, one in enumerate(ids):
        for other in ids[number + 1 :]:
            assert not one & other


def test_pseudonyms_of_two_projects_do_not_join():
    one = set(column_of(pseudonymized(raw_admissions()).tables["patients"].rows, "patient_no"))
    for other in (pseudonymized(raw_admissions(project="second")), pseudonymized(raw_admissions(), key=OTHER_KEY)):
        assert not one & set(column_of(other.tables["patients"].rows, "patient_no"))


def guesses(value):
    """What an attacker without the key would compute for a patient number."""
    raw = value.encode()
    digests = [hashlib.new(name, raw).digest() for name in ("md5", "sha1", "sha256", "sha512")]
    digests += [hmac.digest(key, raw, "sha256") for key in (b"", b"\0" * 32, b"tiny", b"admissions")]
    digests += [PseudonymKey(b"\0" * 32).digest("pseudonym", "tiny", "person", value)]
    for digest in digests:
        for length in (16, len(digest)):
            yield digest[:length].hex()
            yield b32encode(digest[:length]).decode().rstrip("=").lower()


def test_hashing_every_patient_number_finds_nobody():
    dictionary = {guess for n in range(100) for guess in guesses(person(n))}
    tables = pseudonymized(raw_admissions()).tables
    found = {value for table in tables.values() for value in column_of(table.rows, "patient_no")}
    assert found
    assert not found & dictionary


def test_with_the_key_the_same_attack_succeeds():
    """The dictionary attack is a real one: who has the key can replay it, so keys live in the key store."""
    tables = pseudonymized(raw_admissions()).tables
    found = set(column_of(tables["patients"].rows, "patient_no"))
    key = PseudonymKey(b"k" * 32)
    replayed = {key.digest("pseudonym", "tiny", "person", person(n))[:16].hex() for n in range(20)}
    assert found <= replayed


@pytest.mark.parametrize("method", ["sha256", "md5", "hash", "plain"])
def test_no_policy_can_ask_for_an_unkeyed_hash(method):
    plain = microdata_release().model_dump(mode="json", by_alias=True)
    step = plain["tables"][1]["columns"][0]["treat"][0]
    assert step["op"] == "pseudonymize"
    ReleasePolicy.model_validate(plain)
    step["method"] = method
    with pytest.raises(ValidationError):
        ReleasePolicy.model_validate(plain)


def test_a_key_of_nothing_is_refused():
    for weak in (b"", b"short"):
        with pytest.raises(Exception, match="short-key"):
            PseudonymKey(weak)


def test_the_order_of_rows_links_nothing():
    """Over many releases, the first row of the source comes to stand anywhere."""
    places = set()
    source = sources()
    for _ in range(8):
        done = protect_controlled_rows(controlled_release(), source, hierarchies=hierarchies())
        weights = column_of(done.tables["admissions"], "stay_days")
        places.add(tuple(weights))
    assert len(places) > 3

from __future__ import annotations

import hmac
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES128
from cryptography.hazmat.primitives.ciphers.modes import CBC
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jwe as referee
from joserfc.jwk import OctKey

from acs.crypto.jwe import (
    A128CBC_HS256,
    A128GCM,
    BODY_MAX,
    BadJwe,
    counter_iv,
    open_envelope,
    read,
    seal,
)
from schemas import base64url
from tests.acs.crypto.test_key_agreement import OWN

KEY = bytes.fromhex(OWN["key"])
KID: str = OWN["acs_trans_id"]
METHODS = (A128CBC_HS256, A128GCM)
FROM_SDK = [pytest.param(one, id=one["enc"]) for one in OWN["from_sdk"]]
TO_SDK = [pytest.param(one, id=one["enc"]) for one in OWN["to_sdk"]]
TEXTS = st.binary(min_size=1, max_size=100)
KEYS = st.binary(min_size=32, max_size=32)
GOOD_HEADER = {"alg": "dir", "enc": A128GCM, "kid": KID}


def other_direction(key: bytes, enc: str) -> bytes:
    """Give the key with which what we sealed opens as if an SDK had sealed it."""
    return key if enc == A128CBC_HS256 else key[16:] + key[:16]


def referees_key(key: bytes, enc: str, half: int) -> OctKey:
    """Give the part of the key that a direction uses: GCM half 0 from the SDK, half 1 to it."""
    return OctKey.import_key(key if enc == A128CBC_HS256 else key[16 * half :][:16])


def with_header(header: object) -> bytes:
    """Put another header before the parts of an envelope."""
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    parts = OWN["from_sdk"][1]["jwe"].split(".")
    return ".".join((base64url.encode(raw), *parts[1:])).encode()


def part_said_to_be_wrong(body: bytes) -> str:
    with pytest.raises(BadJwe) as refused:
        open_envelope(read(body), KEY)
    assert str(refused.value) == f"The {refused.value.part} of the JWE is wrong"
    return refused.value.part


@pytest.mark.parametrize("vector", FROM_SDK)
def test_an_envelope_of_the_vectors_is_opened(vector: dict[str, str]) -> None:
    envelope = read(vector["jwe"].encode())

    assert (envelope.kid, envelope.enc) == (KID, vector["enc"])
    assert open_envelope(envelope, KEY).decode() == vector["plaintext"]


@pytest.mark.parametrize("vector", TO_SDK)
def test_our_envelope_is_that_of_the_vectors(vector: dict[str, str]) -> None:
    iv = bytes.fromhex(vector["iv"])

    sealed = seal(vector["plaintext"].encode(), KEY, kid=KID, enc=vector["enc"], iv=iv)

    assert sealed.decode() == vector["jwe"]


def test_the_counter_stands_in_the_last_byte_of_the_iv() -> None:
    assert counter_iv(0) == bytes.fromhex("ffffffffffffffffffffff00")
    assert counter_iv(255) == bytes.fromhex("ffffffffffffffffffffffff")


@pytest.mark.parametrize("counter", [-1, 256])
def test_a_counter_that_would_wrap_gives_no_iv(counter: int) -> None:
    with pytest.raises(ValueError, match="one byte"):
        counter_iv(counter)


@pytest.mark.parametrize("enc", METHODS)
@given(plaintext=TEXTS, key=KEYS)
def test_a_second_implementation_opens_what_we_seal(enc: str, plaintext: bytes, key: bytes) -> None:
    sealed = seal(plaintext, key, kid=KID, enc=enc, iv=None)

    opened = referee.decrypt_compact(sealed, referees_key(key, enc, 1))

    assert opened.plaintext == plaintext
    assert opened.protected == {"alg": "dir", "enc": enc, "kid": KID}


@pytest.mark.parametrize("enc", METHODS)
@given(plaintext=TEXTS, key=KEYS)
def test_we_open_what_a_second_implementation_seals(enc: str, plaintext: bytes, key: bytes) -> None:
    header = {"alg": "dir", "enc": enc, "kid": KID}
    sealed = referee.encrypt_compact(header, plaintext, referees_key(key, enc, 0))

    assert open_envelope(read(sealed.encode()), key) == plaintext


@pytest.mark.parametrize("enc", METHODS)
def test_two_envelopes_of_one_text_differ(enc: str) -> None:
    first, second = (seal(b"text", KEY, kid=KID, enc=enc, iv=None) for _ in range(2))

    assert first != second


def test_our_own_envelope_sent_back_to_us_is_not_opened() -> None:
    sealed = seal(b"{}", KEY, kid=KID, enc=A128GCM, iv=None)

    assert part_said_to_be_wrong(sealed) == "tag"


@settings(max_examples=200)
@given(data=st.data(), enc=st.sampled_from(METHODS))
def test_one_changed_byte_anywhere_is_noticed(data: st.DataObject, enc: str) -> None:
    body = bytearray(seal(b'{"messageType":"CReq"}', KEY, kid=KID, enc=enc, iv=None))
    position = data.draw(st.integers(0, len(body) - 1))
    body[position] ^= data.draw(st.integers(1, 255))

    with pytest.raises(BadJwe):
        open_envelope(read(bytes(body)), other_direction(KEY, enc))


@pytest.mark.parametrize("enc", METHODS)
def test_every_bit_of_the_tag_counts(enc: str) -> None:
    body = seal(b"{}", KEY, kid=KID, enc=enc, iv=None).decode()
    start, _, tag = body.rpartition(".")
    for bit in range(128):
        changed = (int.from_bytes(base64url.decode(tag)) ^ 1 << bit).to_bytes(16)
        envelope = read(f"{start}.{base64url.encode(changed)}".encode())
        with pytest.raises(BadJwe, match="tag"):
            open_envelope(envelope, other_direction(KEY, enc))


@given(st.binary(max_size=300))
def test_no_bytes_are_taken_for_an_envelope(body: bytes) -> None:
    with pytest.raises(BadJwe):
        read(body)


@pytest.mark.parametrize("vector", FROM_SDK)
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_a_line_that_is_ended_is_read(vector: dict[str, str], ending: str) -> None:
    assert read((vector["jwe"] + ending).encode()) == read(vector["jwe"].encode())


@pytest.mark.parametrize("vector", FROM_SDK)
@pytest.mark.parametrize("number", [0, 2, 3, 4])
@pytest.mark.parametrize("foreign", ["=", "+", "/", " ", "\n", "é"])
def test_a_part_holds_no_foreign_character(
    vector: dict[str, str], number: int, foreign: str
) -> None:
    parts = vector["jwe"].split(".")
    parts[number] = parts[number][:4] + foreign + parts[number][4:]

    assert (
        part_said_to_be_wrong(".".join(parts).encode())
        == (
            "header",
            "",
            "initialization vector",
            "ciphertext",
            "tag",
        )[number]
    )


def test_a_part_is_not_padded() -> None:
    assert part_said_to_be_wrong(OWN["from_sdk"][0]["jwe"].encode() + b"==") == "tag"


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        (b"", "number of parts"),
        (b"{}", "number of parts"),
        (b"a.b.c.d", "number of parts"),
        (b"a.b.c.d.e.f", "number of parts"),
        (b"a..c.d.e\n\n", "header"),
        (b"." * BODY_MAX, "number of parts"),
        (b"." * (BODY_MAX + 1), "size"),
        (b"A" * 2000 + b"....", "header"),
    ],
)
def test_what_has_no_five_parts_is_no_envelope(body: bytes, wrong: str) -> None:
    assert part_said_to_be_wrong(body) == wrong


@pytest.mark.parametrize("vector", FROM_SDK)
def test_no_key_is_sent_along(vector: dict[str, str]) -> None:
    body = vector["jwe"].replace("..", ".AAAA.").encode()

    assert part_said_to_be_wrong(body) == "encrypted key"


@pytest.mark.parametrize(
    ("header", "wrong"),
    [
        ({**GOOD_HEADER, "alg": "A128KW"}, "alg"),
        ({**GOOD_HEADER, "alg": "none"}, "alg"),
        ({**GOOD_HEADER, "alg": ["dir"]}, "alg"),
        ({**GOOD_HEADER, "enc": "A256GCM"}, "enc"),
        ({**GOOD_HEADER, "enc": "A128CBC-HS512"}, "enc"),
        ({**GOOD_HEADER, "enc": [A128GCM]}, "enc"),
        ({**GOOD_HEADER, "alg": "none", "enc": "none"}, "alg"),
        ({**GOOD_HEADER, "zip": "DEF"}, "header"),
        ({**GOOD_HEADER, "crit": ["exp"]}, "header"),
        ({**GOOD_HEADER, "kid": 1}, "header"),
        ({"alg": "dir", "enc": A128GCM}, "header"),
        ({"alg": "dir", "kid": KID}, "enc"),
        ({"enc": A128GCM, "kid": KID}, "alg"),
        ([GOOD_HEADER], "header"),
        (b"", "header"),
        (b"\xff", "header"),
        (b'{"alg":"dir","enc":"A128GCM","kid":"a","kid":"b"}', "header"),
        (b'{"alg":"none","alg":"dir","enc":"A128GCM","kid":"a"}', "header"),
        (b"[" * 900, "header"),
    ],
)
def test_a_header_says_what_we_can_do_and_no_more(header: object, wrong: str) -> None:
    assert part_said_to_be_wrong(with_header(header)) == wrong


@pytest.mark.parametrize(
    ("body", "kid"),
    [
        (with_header({**GOOD_HEADER, "alg": "A128KW"}), KID),
        (with_header({**GOOD_HEADER, "enc": "A256GCM"}), KID),
        (with_header({**GOOD_HEADER, "crit": ["exp"]}), KID),
        (with_header(GOOD_HEADER).replace(b"..", b".AAAA."), KID),
        (with_header(GOOD_HEADER) + b"==", KID),
        (with_header(GOOD_HEADER).rpartition(b".")[0], KID),
        (with_header({**GOOD_HEADER, "alg": "A128KW"}).rpartition(b".")[0], KID),
        (with_header({**GOOD_HEADER, "kid": 1}), None),
        (with_header(b'{"alg":"dir","enc":"A128GCM","kid":"a","kid":"b"}'), None),
        (b"a.b.c.d", None),
        (b"", None),
    ],
)
def test_who_is_claimed_is_told_even_of_what_is_no_envelope(body: bytes, kid: str | None) -> None:
    with pytest.raises(BadJwe) as refused:
        read(body)

    assert refused.value.kid == kid


def test_a_member_that_changes_nothing_is_ignored() -> None:
    envelope = read(with_header({**GOOD_HEADER, "typ": "JOSE"}))

    assert (envelope.kid, envelope.enc) == (KID, A128GCM)


@pytest.mark.parametrize("enc", METHODS)
@pytest.mark.parametrize(
    ("number", "wrong"), [(2, "initialization vector"), (3, "ciphertext"), (4, "tag")]
)
@pytest.mark.parametrize("raw", [b"", b"\0" * 15, b"\0" * 17])
def test_a_part_of_another_length_is_wrong(enc: str, number: int, wrong: str, raw: bytes) -> None:
    parts = seal(b"{}", KEY, kid=KID, enc=enc, iv=None).decode().split(".")
    parts[number] = base64url.encode(raw)
    if enc == A128GCM and wrong == "ciphertext" and raw:
        wrong = "tag"  # any length may be one; then it is not what was sealed

    assert part_said_to_be_wrong(".".join(parts).encode()) == wrong


def test_padding_that_is_none_is_told_only_to_who_has_the_key() -> None:
    iv, header = (
        b"\0" * 16,
        base64url.encode(json.dumps({**GOOD_HEADER, "enc": A128CBC_HS256}).encode()),
    )
    encryptor = Cipher(AES128(KEY[16:]), CBC(iv)).encryptor()
    ciphertext = encryptor.update(b"\0" * 16) + encryptor.finalize()
    told = header.encode() + iv + ciphertext + (8 * len(header)).to_bytes(8)
    tag = hmac.digest(KEY[:16], told, "sha256")[:16]
    right = ".".join((header, "", *map(base64url.encode, (iv, ciphertext, tag))))
    wrong = ".".join((header, "", *map(base64url.encode, (iv, ciphertext, tag[::-1]))))

    assert part_said_to_be_wrong(right.encode()) == "ciphertext"
    assert part_said_to_be_wrong(wrong.encode()) == "tag"


@pytest.mark.parametrize("enc", METHODS)
def test_an_iv_has_the_length_of_its_method(enc: str) -> None:
    with pytest.raises(ValueError, match="takes"):
        seal(b"{}", KEY, kid=KID, enc=enc, iv=b"\0" * 8)


def test_an_agreed_key_has_32_bytes() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        seal(b"{}", KEY[:16], kid=KID, enc=A128GCM, iv=None)
    with pytest.raises(ValueError, match="32 bytes"):
        open_envelope(read(OWN["from_sdk"][0]["jwe"].encode()), KEY[:16])


def test_an_envelope_shows_its_names_only() -> None:
    envelope: Any = read(OWN["from_sdk"][1]["jwe"].encode())

    assert repr(envelope) == f"Envelope(kid='{KID}', enc='A128GCM')"

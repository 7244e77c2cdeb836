"""What the portal signs and seals for itself, computed again by other means."""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from service.access.signing import Signer
from service.access.vault import Vault, VaultRefused

KEY = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize("timed", [True, False])
def test_what_is_signed_is_under_hmac_sha_256_of_a_key_for_its_purpose(timed: bool) -> None:
    signed = Signer([KEY], "portal.form.v1", timed=timed).dumps(["a", 1])
    said, _, signature = signed.rpartition(".")
    derived = hmac.digest(KEY.encode(), b"portal.form.v1", sha256)
    expected = urlsafe_b64encode(hmac.digest(derived, said.encode(), sha256)).decode().rstrip("=")
    assert signature == expected


def test_what_is_sealed_is_under_aes_256_gcm_with_its_row_and_a_fresh_nonce() -> None:
    vault, bound = Vault([KEY]), ("totp", "musterbau", "a")
    first, second = (vault.seal("SECRET", bound=bound) for _ in range(2))
    key = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"portal.vault.v2").derive(KEY.encode())
    raw = urlsafe_b64decode(first.removeprefix("v2."))
    assert AESGCM(key).decrypt(raw[:12], raw[12:], b'["totp", "musterbau", "a"]') == b"SECRET"
    assert raw[:12] != urlsafe_b64decode(second.removeprefix("v2."))[:12]


@pytest.mark.parametrize("text", ["", "v2.", "v2.AAAA", "v2.ü", "gAAAAA", "v1.AAAA" * 9])
def test_what_was_never_sealed_opens_as_nothing(text: str) -> None:
    with pytest.raises(VaultRefused):
        Vault([KEY]).open(text, bound=("totp",))

"""What `mieterportal doctor` looks at of files: where they are kept, their keys, the virus scanner."""

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from uuid import uuid4

from service.access.vault import Vault, VaultRefused
from service.files.bucket import Bucket, StorageAway
from service.files.scan import Clamd, ScannerAway, ScanState
from service.files.sealing import bound_to
from service.settings import BucketUrl, ServiceSettings, Settings
from service.storage import bucket_at, scanner_of, spool_of
from service.store import dateien
from service.store.database import StoreUnavailable, connected

_KEYS_TRIED = 1000
# The file by which every scanner shows that it works (EICAR), in two parts lest this program be taken for one.
_TEST_VIRUS = (r"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-", "ANTIVIRUS-TEST-FILE!$H+H*")


@dataclass(frozen=True, slots=True)
class Finding:
    subject: str
    good: bool
    text: str


def examine_files(settings: Settings) -> Iterator[Finding]:
    """Return the findings; what is written is removed again."""
    service = settings.service
    yield _folder(service.files) if isinstance(service.files, Path) else _bucket(service, service.files)
    yield _keys(settings)
    yield _scanner(settings)


def _folder(folder: Path) -> Finding:
    probe = folder / f".doctor-{uuid4().hex}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"ok")
        probe.unlink()
    except OSError as fault:
        return Finding(
            "files", good=False, text=f"{folder} cannot be written ({fault.strerror}); check owner and space"
        )
    return Finding("files", good=True, text=f"{folder} can be written")


def _bucket(service: ServiceSettings, url: BucketUrl) -> Finding:
    where, spool = f"s3://{url.bucket}/{url.prefix}", spool_of(service)
    bucket = Bucket(bucket_at(service, url), spool)
    try:
        bucket.check()
        bucket.probe()
    except StorageAway as away:
        help_text = "check endpoint, region, keys, path_style in service.s3, the bucket and what its keys may do"
        return Finding("files", good=False, text=f"{where} does not take files ({away.code}); {help_text}")
    except OSError as fault:
        return Finding("files", good=False, text=f"{spool} cannot be written ({fault.strerror}); see service.s3.spool")
    return Finding("files", good=True, text=f"{where} is written, read and listed; files wait in {spool}")


def _keys(settings: Settings) -> Finding:
    keys = settings.service.encryption_keys
    vault, refused, tried = Vault(keys), 0, 0
    try:
        with connected():
            for mandant in settings.mandanten:
                for file in dateien.with_keys(mandant, after=None, limit=_KEYS_TRIED):
                    tried += 1
                    try:
                        vault.open(file.sealed_key or "", bound=bound_to(file.id))
                    except VaultRefused:
                        refused += 1
    except StoreUnavailable:
        return Finding("file keys", good=False, text="not known: the database does not answer or lacks its tables")
    if refused:
        text = f"{refused} of {tried} files tried are under none of service.encryption_keys; give back the key"
        return Finding("file keys", good=False, text=text)
    if not keys:
        return Finding("file keys", good=True, text="none; files lie as they are (service.encryption_keys)")
    return Finding("file keys", good=True, text=f"{len(keys)} key(s); {tried} files tried, all open")


def _scanner(settings: Settings) -> Finding:
    scanner = scanner_of(settings.service)
    if scanner is None:
        waiting = _waiting(settings)
        text = "none; files are not scanned (service.scan)"
        forgotten = f"{waiting} files wait for a scan, and there is no scanner; set service.scan"
        return Finding("virus scan", good=not waiting, text=forgotten if waiting else text)
    try:
        return _asked(scanner, settings.service.limits.file_bytes)
    except ScannerAway:
        text = "clamd does not answer; check service.scan.address and the daemon. Files wait until it does"
        return Finding("virus scan", good=False, text=text)


def _asked(scanner: Clamd, largest: int) -> Finding:
    version = scanner.version()
    if scanner.look(BytesIO("".join(_TEST_VIRUS).encode())).state is not ScanState.INFECTED:
        text = f"{version} does not find the test virus (EICAR); it has no signatures: check freshclam"
        return Finding("virus scan", good=False, text=text)
    if scanner.look(BytesIO(bytes(largest))).state is not ScanState.CLEAN:
        text = f"{version} does not take files of limits.file_bytes; raise StreamMaxLength, MaxFileSize, MaxScanSize"
        return Finding("virus scan", good=False, text=text)
    return Finding("virus scan", good=True, text=f"{version} finds the test virus and takes the largest files")


def _waiting(settings: Settings) -> int:
    try:
        with connected():
            counts = dateien.counts(list(settings.mandanten))
    except StoreUnavailable:
        return 0
    return sum(states.get(ScanState.PENDING, 0) for states in counts.values())

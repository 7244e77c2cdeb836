"""From the settings to where files are kept, sealed and scanned."""

import tempfile
from pathlib import Path

from service.files.bucket import Bucket, BucketAt
from service.files.scan import Clamd
from service.files.sealing import Sealer
from service.files.storage import Folder, Storage
from service.settings import BucketUrl, ServiceSettings


def storage_of(service: ServiceSettings, vault: Sealer) -> Storage:
    """Return where this installation keeps files; nothing is asked or written yet.

    They are sealed where there are encryption keys, and scanned where there is a scanner.
    """
    sealer = vault if service.encryption_keys else None
    scanner = scanner_of(service)
    if isinstance(service.files, Path):
        return Folder(service.files, sealer, scanner)
    return Bucket(bucket_at(service, service.files), spool_of(service), sealer, scanner)


def scanner_of(service: ServiceSettings) -> Clamd | None:
    """Return the virus scanner; None where none is set."""
    return Clamd(service.scan.address, service.scan.timeout_s) if service.scan is not None else None


def spool_of(service: ServiceSettings) -> Path:
    """Return the folder on this host where files wait to be checked before they go to a bucket."""
    return service.s3.spool or Path(tempfile.gettempdir()) / "mieterportal-incoming"


def bucket_at(service: ServiceSettings, url: BucketUrl) -> BucketAt:
    """Return which bucket, and how it is reached."""
    s3 = service.s3
    return BucketAt(
        bucket=url.bucket,
        prefix=url.prefix,
        endpoint=s3.endpoint,
        region=s3.region,
        access_key_id=s3.access_key_id,
        secret_access_key=s3.secret_access_key,
        path_style=s3.path_style,
        timeout_s=s3.timeout_s,
    )

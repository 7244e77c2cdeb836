"""What was owed before: recipients of documents that nobody was told of yet, and the persons behind owner keys."""

import json
from hashlib import sha256

import peewee
from peewee import BooleanField, CharField, UUIDField

_BATCH = 1000


class Table(peewee.Model):
    class Meta:
        legacy_table_names = False
        primary_key = False


class Dokument(Table):
    id = UUIDField()
    created_at = peewee.BigIntegerField()
    stored_at = peewee.BigIntegerField(null=True)
    news = BooleanField(null=True)


class DokumentZiel(Table):
    dokument = UUIDField()
    news_at = peewee.BigIntegerField(null=True)

    class Meta:
        table_name = "dokument_ziel"
        primary_key = False


class Benachrichtigung(Table):
    mandant = CharField()
    owner_person = CharField(null=True)
    person = CharField(null=True)


class Stammdaten(Table):
    mandant = CharField()
    art = CharField()
    nr = CharField()


def up(migrator, db):
    """Carry both over; again, it changes nothing more."""
    with db.bind_ctx((Dokument, DokumentZiel, Benachrichtigung, Stammdaten)):
        _recipients()
        _persons()


def _recipients():
    created = Dokument.select(Dokument.created_at).where(Dokument.id == DokumentZiel.dokument)
    pending = Dokument.select(Dokument.id).where((Dokument.news == True) | Dokument.stored_at.is_null())  # noqa: E712 - SQL
    DokumentZiel.update(news_at=created).where(DokumentZiel.dokument.in_(pending)).execute()


def _persons():
    known = Benachrichtigung.select(Benachrichtigung.owner_person).where(Benachrichtigung.owner_person.is_null(False))
    keys = {key for (key,) in known.tuples()}
    for mandant, nr in _told_of() if keys else ():
        key = sha256(json.dumps(["person", mandant, nr]).encode()).hexdigest()
        if key in keys:
            here = (Benachrichtigung.mandant == mandant) & (Benachrichtigung.owner_person == key)
            Benachrichtigung.update(person=nr).where(here).execute()


def _told_of():
    """Yield Mandant and number of every person, read in keyset batches."""
    mandant, nr = "", ""
    while True:
        after = (Stammdaten.mandant > mandant) | ((Stammdaten.mandant == mandant) & (Stammdaten.nr > nr))
        query = Stammdaten.select(Stammdaten.mandant, Stammdaten.nr).where((Stammdaten.art == "PERSON") & after)
        batch = list(query.order_by(Stammdaten.mandant, Stammdaten.nr).limit(_BATCH).tuples())
        yield from batch
        if len(batch) < _BATCH:
            return
        mandant, nr = batch[-1]

"""Telling by mail that there is something new in a Vorgang: its number, and nothing of what it is about."""

from datetime import datetime

from service.store import benachrichtigungen, mails
from service.store.records import Vorgang


def owe_news(vorgang: Vorgang, *, now: datetime) -> int:
    """Owe a mail to everybody who wants to be told what is new in this Vorgang; returns how many.

    Part of the transaction that brings the news.
    """
    chosen = benachrichtigungen.of_owner(vorgang.mandant, vorgang.owner)
    for one in chosen:
        facts = {"vorgang": vorgang.meldenummer, "key": str(one.key), "connection": one.connection}
        mails.owe(
            one.mandant,
            mails.NEUES,
            account=one.account,
            recipient=one.email,
            lang=one.lang,
            facts=facts,
            now=now,
        )
    return len(chosen)

"""What a resident types leads to entries of the catalog: everyday words, in German or English, with slips."""

import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import log
from typing import Generic, TypeVar

T = TypeVar("T")
Grades = Mapping[str, float]
"""How well words of the catalog match one typed word, from 0 (not at all, left out) to 1."""

_SYNONYM = 0.8
_CONTEXT = 0.25  # a place or Kategorie only adds to what fits by itself
_WORTH_SHOWING = 0.65  # of the best hit's score
_WEAK_SHARE = 0.3
_TYPO = 0.7
_TYPO_LENGTH = 5
_MOST_WORDS = 12
_PART_LENGTH = 4  # shorter words end too many others by chance
_REST_LENGTH = 3
_ENDING = re.compile(r"(?<=\w{4})(?:en|er|es|em|ed|ing|e|n|(?<!s)s|(?<!t)t)+$|(?<=\w{3})(?:en|e|(?<!s)s)$")

# They say nothing about a damage.
_STOP_WORDS = """
der die das den dem des ein eine einen einem einer eines und oder aber bei beim im in ins am vom von zum zur mit nach
unter vor hinter neben durch für wegen seit als wie wo wer wann was dass weil wenn dann da dort hier so auch nur noch
schon sehr ganz immer wieder ständig dauernd heute gestern jetzt morgen bitte hallo danke ich du er sie es wir ihr mir
mich uns unser unsere unserem unserer unseren mein meine meinem meiner meinen man ist sind war waren wird werden wurde
habe haben hat hatte nicht nich etwas alle alles mal einfach gar dieser diese dieses diesem komplett völlig total
vollständig jemand andere anderes
the a of is are am was has have had been be and or my our your i we it its this that there some any at by for from to
with very please again always since hi hello not me us someone somebody something when completely totally
"""
# Mere malfunction, or the home as a whole: they find nothing, they only help to say which hit comes first.
_WEAK_WORDS = """
geh gehe geht gehen funktioniert funktionieren funktion läuft laufen tut will kann lässt lassen sich macht springt hängt
komme kommt kommen bleibt bleiben steht stehen kaputt kaputte kaputter kaputtes kaputten kaputtgegangen defekt defekte
defekter defektes defekten ausgefallen ausfall ausfälle gestört störung problem probleme schaden schäden beschädigt
beschädigte fehler fehlerhaft fehlt fehlen reparatur reparieren repariert erneuern ersetzen austauschen streikt spinnt
hin kein keine keinen keiner ohne nichts nix mehr aus an ab auf zu raus über hoch rein richtig schlecht wohnung
haus
broken damaged damage faulty fault works work working function functioning failed failure fails problems issue issues
trouble repair fix wrong dead defective doesnt dont isnt wont cant cannot does do no out off on up down over into
without missing stopped properly flat apartment house building home bin
"""


@dataclass(frozen=True, slots=True)
class Searched(Generic[T]):
    """What may be found, and the words for it: `label` in the reader's language, `context` its place and Kategorie.

    `last`: it comes after others that fit as well ("Sonstiges").
    """

    item: T
    label: str
    synonyms: str
    context: str
    last: bool


@dataclass(frozen=True)
class Search(Generic[T]):
    """Entries in the order of the catalog, ready to be searched.

    `elsewhere`: words of other entries; who types one of them has not mistyped one of these.
    """

    entries: tuple[Searched[T], ...]
    elsewhere: Collection[str] = ()

    def find(self, text: str, limit: int) -> tuple[T, ...]:
        """Return what the text may mean, the best first; nothing if no word of it is known."""
        strong, weak = _parted(words_of(text))
        found = self._scores(strong)
        more = self._scores(weak)
        enough = _WORTH_SHOWING * max(found, default=0.0)
        hits = [at for at, score in enumerate(found) if score and score >= enough]
        hits.sort(key=lambda at: (-round(found[at] + _WEAK_SHARE * more[at], 6), self.entries[at].last))
        return tuple(self.entries[at].item for at in hits[:limit])

    def _scores(self, typed: tuple[str, ...]) -> tuple[float, ...]:
        """Return what the words are worth for each entry, together; a word that few entries have is worth more."""
        scores = [0.0] * len(self.entries)
        for word in typed:
            grades = self._grades(word)
            worth = [_best(own, grades) + _best(context, grades) for own, context in self._words]
            rarity = log(1 + len(worth) / max(1, sum(map(bool, worth))))
            scores = [score + rarity * more for score, more in zip(scores, worth, strict=True)]
        return tuple(scores)

    def _grades(self, typed: str) -> Grades:
        """Return the words of the catalog that fit; slips and parts only where the typed word itself is unknown."""
        if len(typed) < _PART_LENGTH and any(typed in own for own, _ in self._words):
            return {typed: 1.0}  # Klo is not the beginning of klopfen
        stem = _stem(typed)
        known = {word: g for word, its in self.vocabulary.items() if (g := _grade(typed, word, same=stem == its))}
        if known or typed in _STOP or typed in self.elsewhere:
            return known
        slips = {word: _TYPO for word in self.vocabulary if _is_typo(typed, word)}
        about = _without_malfunction(typed)
        return slips or {word: grade for word in self.vocabulary if (grade := _grade_of_part(about, word))}

    @cached_property
    def _words(self) -> tuple[tuple[Grades, Grades], ...]:
        """The words of each entry with their weights: its own, and those of its place and Kategorie."""
        return tuple(
            (_weighted((entry.synonyms, _SYNONYM), (entry.label, 1.0)), _weighted((entry.context, _CONTEXT)))
            for entry in self.entries
        )

    @cached_property
    def vocabulary(self) -> Mapping[str, str]:
        """All words of the catalog, with their stems."""
        return {word: _stem(word) for both in self._words for words in both for word in words}


def words_of(text: str) -> tuple[str, ...]:
    """Return the words of a text, folded, so that Türe, TUERE and türe are one, without accents and punctuation."""
    plain = unicodedata.normalize("NFC", text).casefold().replace("'", "").replace("’", "")
    for umlaut, letters in (("ä", "ae"), ("ö", "oe"), ("ü", "ue")):
        plain = plain.replace(umlaut, letters)
    bare = "".join(sign for sign in unicodedata.normalize("NFD", plain) if not unicodedata.combining(sign))
    return tuple(re.findall(r"[^\W_]+", bare))


_STOP = frozenset(words_of(_STOP_WORDS))
_WEAK = frozenset(words_of(_WEAK_WORDS))


def _stem(word: str) -> str:
    """Return a word without ending and umlaut: Wände and Wand, tropft and tropfen are one."""
    return _ENDING.sub("", word.replace("ae", "a").replace("oe", "o").replace("ue", "u"))


def _parted(words: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the words to find by and those that only put hits in order, each once."""
    telling = tuple(dict.fromkeys(word for word in words if word not in _STOP))[:_MOST_WORDS]
    strong = tuple(word for word in telling if word not in _WEAK)
    return strong or telling or words[:1], tuple(word for word in telling if strong and word not in strong)


def _without_malfunction(typed: str) -> str:
    """Return what a compound is about: Heizungsausfall is about the Heizung."""
    return typed.removesuffix(max((weak for weak in _WEAK if _ends(typed, weak)), key=len, default=""))


def _weighted(*fields: tuple[str, float]) -> Grades:
    """Return the words of fields with their weights; the last field that has a word decides."""
    return {word: weight for text, weight in fields for word in words_of(text) if word not in _STOP}


def _best(words: Grades, grades: Grades) -> float:
    return max((words[word] * grade for word, grade in grades.items() if word in words), default=0.0)


def _grade(typed: str, word: str, *, same: bool) -> float:
    """Return how well a word of the catalog fits a typed one; `same`: they differ by their endings at most."""
    if typed == word:
        return 1.0
    if same:
        return 0.9
    if word.startswith(typed):
        return 0.7
    return 0.6 if _ends(word, typed) else 0.0


def _grade_of_part(typed: str, part: str) -> float:
    """Return how well a part stands for a typed compound: Fenster, its end, better than Küche for Küchenfenster."""
    if part in _WEAK:
        return 0.0
    if _ends(typed, part):
        return 0.5
    return 0.4 if len(part) >= _PART_LENGTH and typed.startswith(part) else 0.0


def _ends(compound: str, part: str) -> bool:
    long_enough = len(part) >= _PART_LENGTH and len(compound) - len(part) >= _REST_LENGTH
    return long_enough and compound.endswith(part)


def _is_typo(typed: str, word: str) -> bool:
    """Tell whether one letter is wrong, missing or too many, or two stand the wrong way round."""
    if min(len(typed), len(word)) < _TYPO_LENGTH or abs(len(typed) - len(word)) > 1:
        return False
    pairs = enumerate(zip(typed, word, strict=False))
    same = next((at for at, (ours, theirs) in pairs if ours != theirs), min(len(typed), len(word)))
    ours, theirs = typed[same:], word[same:]
    swapped = ours[1::-1] == theirs[:2] and ours[2:] == theirs[2:]
    return swapped or ours[1:] == theirs[1:] or ours[1:] == theirs or ours == theirs[1:]

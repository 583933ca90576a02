"""The text of a message with a code: what it tells, and that it fits.

Laws: amount and payee come before the code, so that they are read before it is typed (RTS art. 5);
never a PAN, a name of the cardholder, a link or anything a phone turns into one. What a merchant
sent is hostile until cleaned: it may not look like a code, a link or another sentence of ours
through invisible or turned-round signs. Only the payee and the action give way when the text must
be cut: to one part, or, where it has two, until the code stands in the first.

A text is sent in GSM-7 whenever the templates of its language allow it.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, assert_never

from otp.alphabets import Alphabet, is_gsm7, units
from otp.model import ActionText, CardText, PaymentText, TextParameters
from schemas.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TEXT_IDS: Final = ("payment", "card_add", "card_use", "step_up", "numbered", "merchant")

# One part where the alphabet is GSM-7; two parts of UCS-2 hold about as much.
_ROOM: Final = {"gsm7": 160, "ucs2": 134}
# A phone may show the first part alone until the next one comes: the code is in it.
_FIRST_PART: Final = {"gsm7": 160, "ucs2": 67}
# An absurd amount may cost a second part; it never costs the payee.
_ELASTIC_MIN: Final = 8
_INPUT_MAX: Final = 200

# Letters and signs outside GSM 03.38 and what is read in their place. Canonical decomposition is
# not enough: the stroke of ł, đ and ħ is no combining mark.
_PLAIN_PAIRS: Final = (
    ("ąćęłńóśźżĄĆĘŁŃÓŚŹŻ", "acelnoszzACELNOSZZ"),
    ("áâãāăçčďđðěėēêëģğħ", "aaaaaccdddeeeeeggh"),
    ("íîïīįıķĺľļňņôõőřŕšşș", "iiiiiiklllnnooorrsss"),
    ("ťţțúûůűūųýÿž", "tttuuuuuuyyz"),
    ("ÁÂÃĀĂÀČĎĐÐĚĖĒÊËÈĢĞĦ", "AAAAAACDDDEEEEEEGGH"),
    ("ÍÎÏÌĪĮİĶĹĽĻŇŅÔÕŐÒŘŔŠŞȘ", "IIIIIIIKLLLNNOOOORRSSS"),
    ("ŤŢȚÚÛŮŰÙŪŲÝŸŽ", "TTTUUUUUUUYYZ"),
    # Quotation marks, single then double; dashes and the minus; the fraction slash.
    ("\u2018\u2019\u201a`", "\x27" * 4),
    ("\u201c\u201d\u201e\u00ab\u00bb", "\x22" * 5),
    ("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2044", "-------/"),
)
_PLAIN: Final = str.maketrans(
    {sign: base for signs, bases in _PLAIN_PAIRS for sign, base in zip(signs, bases, strict=True)}
    | {"œ": "oe", "Œ": "OE", "þ": "th", "Þ": "Th", "ẞ": "SS"}
)

_SCHEME: Final = re.compile(r"https?(?:\s*:[\s/]*)?|:\s*/+|www\s*\.", re.IGNORECASE)
_PATH: Final = re.compile(r"(?<=\w)(\.\w{2,})/\S*")
_IP_ADDRESS: Final = re.compile(r"\d+(?:\.\d+){3}")
_DOMAIN_DOT: Final = re.compile(r"(?<=\w)\.(?=\w{2,})")
_DIGIT_RUN: Final = re.compile(r"\d(?:[\W_]{0,3}\d){4,}")
_SPACES: Final = re.compile(r"\s+")
_MERCHANT_ID: Final = re.compile(r"[^A-Za-z0-9-]+")


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The texts of one language by text id, see TEXT_IDS. Raises ValueError when one is missing.

    `alphabet` is GSM-7 when every text can be written in it, with plain letters where need be;
    with `keeps_letters` only when no letter needs to give way.
    """

    language: str
    texts: Mapping[str, str]
    keeps_letters: bool = False
    alphabet: Alphabet = field(init=False)

    def __post_init__(self) -> None:
        """Refuse an incomplete catalogue; find its alphabet."""
        missing = [text_id for text_id in TEXT_IDS if not self.texts.get(text_id)]
        if missing:
            message = f"the texts of {self.language} lack {', '.join(missing)}"
            raise ValueError(message)
        signs = frozenset().union(*self.texts.values())
        writable = all(is_gsm7(sign) if self.keeps_letters else plain(sign) for sign in signs)
        object.__setattr__(self, "alphabet", "gsm7" if writable else "ucs2")


def plain(text: str) -> str:
    """Write a text in GSM 03.38: plain letters for accented ones; what is left over is dropped."""
    return "".join(map(_plain_sign, unicodedata.normalize("NFKC", text).translate(_PLAIN)))


def _plain_sign(sign: str) -> str:
    if is_gsm7(sign):
        return sign
    base = unicodedata.normalize("NFKD", sign)[0]
    return base if base.isascii() and base.isprintable() and is_gsm7(base) else ""


def clean_name(text: str, alphabet: Alphabet = "gsm7") -> str:
    """Make a merchant's name safe to show beside a code; empty when nothing is left of it.

    Gone are control, direction and zero-width signs, emoji, ``@``, ``#``, what makes a link of a
    name (scheme, ``www.``, path), and digits that could be taken for a code: five or more, also
    with signs between them. Dots of a domain become spaces, so that a phone does not make a link
    of ``shop.example``. A letter of another script that only looks like a Latin one becomes the
    Latin one in a word that has Latin letters: what reads the same is the same.

    Nothing is left of a name that plain letters cannot write: the digits behind it name nobody.
    """
    if alphabet == "gsm7" and _is_mostly_lost(_readable(text[:_INPUT_MAX])):
        return ""
    return _settled(_visible(text[:_INPUT_MAX], alphabet), keep_digits=False)


def _is_mostly_lost(name: str) -> bool:
    """Tell whether plain writing takes more letters out of a name than it has Latin ones."""
    letters = [sign for sign in name if unicodedata.category(sign) in _LETTERS]
    return sum(not plain(sign) for sign in letters) > len(_LATIN.findall(plain(name)))


def _readable(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text.translate(_SPACE_CONTROLS))
    return _WORD.sub(_of_one_script, "".join(_shown(folded)))


def _visible(text: str, alphabet: Alphabet) -> str:
    shown = _readable(text)
    match alphabet:
        case "gsm7":
            written = plain(shown)
        case "ucs2":
            written = shown
        case _:
            assert_never(alphabet)
    return _SPACES.sub(" ", written).strip()


_SPACE_CONTROLS: Final = str.maketrans("\t\n\v\f\r\x85\u2028\u2029", " " * 8)
_MARKS_MAX: Final = 2
"""Marks on one letter; more of them are painted over the lines above and below."""


def _shown(text: str) -> Iterator[str]:
    marks = 0
    for sign in text:
        category = unicodedata.category(sign)
        marks = marks + 1 if category[0] == "M" else 0
        # So and Sk hold the emoji and their skin tones; Me the key cap round a digit.
        is_shown = category[0] in "LNPZ" or category in {"Mn", "Mc", "Sc", "Sm"}
        if is_shown and sign != "\ufe0f" and marks <= _MARKS_MAX:
            yield sign


# Cyrillic, then Greek letters that cannot be told from a Latin one (Unicode TR 39, confusables).
_LOOKALIKES: Final = str.maketrans(
    "\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0425\u0406\u0408\u0405\u0423"
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u0501\u051b\u051d"
    "\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7\u03bf\u03bd",
    "ABEKMHOPCTXIJSYaeopcyxijsdqwABEZHIKMNOPTYXov",
)
_WORD: Final = re.compile(r"\w+")
_LATIN: Final = re.compile(r"[A-Za-z\u00c0-\u024f]")
_LETTERS: Final = frozenset({"Lu", "Ll", "Lt", "Lo"})
"""Not Lm: an apostrophe is one."""


def _of_one_script(word: re.Match[str]) -> str:
    text = word.group()
    return text.translate(_LOOKALIKES) if _LATIN.search(text) else text


def _settled(text: str, *, keep_digits: bool) -> str:
    """Take out what may not stay until nothing changes: one removal can make another needed."""
    while True:
        kept = text.replace("@", " ").replace("#", " ")
        kept = _SCHEME.sub(" ", kept)
        kept = _PATH.sub(r"\1", kept)
        kept = _IP_ADDRESS.sub(" ", kept)
        kept = _DOMAIN_DOT.sub(" ", kept)
        if not keep_digits:
            kept = _DIGIT_RUN.sub(" ", kept)
        kept = _SPACES.sub(" ", kept).strip()
        if kept == text:
            return kept if any(sign.isalnum() for sign in kept) else ""
        text = kept


def compose(
    catalogue: Catalogue, text: TextParameters, code: Secret, seq: int, lifetime_s: int
) -> Secret | None:
    """Write the message; None when there is no payee to name (a code never goes without one)."""
    values = {"code": code.reveal(), "minutes": str(lifetime_s // 60)}
    text_id = text_id_of(text)
    match text:
        case PaymentText():
            payee = _payee(catalogue, text)
            if not payee:
                return None
            amount = _visible(text.amount, catalogue.alphabet)
            values |= {"amount": amount, "payee": payee, "last4": text.last4}
            return Secret(_fit(catalogue, text_id, values, "payee", seq))
        case CardText():
            payee = _payee(catalogue, text)
            if not payee:
                return None
            values |= {"payee": payee, "last4": text.last4}
            return Secret(_fit(catalogue, text_id, values, "payee", seq))
        case ActionText():
            action = _settled(_visible(text.action, catalogue.alphabet), keep_digits=True)
            values["action"] = action.rstrip(".")
            return Secret(_fit(catalogue, text_id, values, "action", seq))
        case _:
            assert_never(text)


def text_id_of(text: TextParameters) -> str:
    """Name the template that a message is made from."""
    match text:
        case PaymentText():
            return "payment"
        case CardText(adds=adds):
            return "card_add" if adds else "card_use"
        case ActionText():
            return "step_up"
        case _:
            assert_never(text)


def template_of(catalogue: Catalogue, text: TextParameters) -> str:
    """Name language, template and version of a message: another wording is another version."""
    text_id = text_id_of(text)
    version = hashlib.sha256(catalogue.texts[text_id].encode()).hexdigest()[:12]
    return f"{catalogue.language}/{text_id}/{version}"


def _payee(catalogue: Catalogue, text: PaymentText | CardText) -> str:
    name = clean_name(text.payee, catalogue.alphabet)
    if name:
        return name
    merchant_id = _MERCHANT_ID.sub("", unicodedata.normalize("NFKC", text.merchant_id))
    if not any(sign.isalnum() for sign in merchant_id):
        return ""
    written = catalogue.texts["merchant"].format(merchant_id=merchant_id)
    return _visible(written, catalogue.alphabet)


def _fit(
    catalogue: Catalogue, text_id: str, values: Mapping[str, str], elastic: str, seq: int
) -> str:
    """Fill a text in; cut the elastic value, and nothing else, to what fits."""
    frame = catalogue.texts[text_id]
    if seq > 1:
        frame += catalogue.texts["numbered"].replace("{seq}", str(seq))
    if catalogue.alphabet == "gsm7":
        frame = plain(frame)
    alphabet, rest = catalogue.alphabet, {**values, elastic: ""}
    to_code = frame[: frame.index("{code}") + len("{code}")]
    room = min(
        _ROOM[alphabet] - units(frame.format_map(rest), alphabet),
        _FIRST_PART[alphabet] - units(to_code.format_map(rest), alphabet),
    )
    cut = _cut(values[elastic], max(room, _ELASTIC_MIN), alphabet)
    return frame.format_map({**values, elastic: cut})


def _cut(text: str, most: int, alphabet: Alphabet) -> str:
    while units(text, alphabet) > most:
        text = text[:-1]
    return text.strip()

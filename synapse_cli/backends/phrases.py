"""Which words do people use to tell a model what to choose from? The patterns of `instruction` and `labels`."""

from __future__ import annotations

import re
from re import IGNORECASE

OPENING = "\"'`\u201c\u2018"
CLOSING = "\"'`\u201d\u2019"
DASHES = "-\u2013\u2014"


def _words(text: str) -> str:
    """An alternation of words; an underscore stands for a space."""
    return "(?:" + "|".join(word.replace("_", " ") for word in text.split()) + ")"


# the text that an instruction is about
_TEXT = _words(
    """reviews? tickets? e?-?mails? messages? logs? lines? log_(?:line|entry|message) texts? comments?
    tweets? posts? articles? requests? sentences? documents? notes? feedback issues? complaints?
    entr(?:y|ies) events? records? calls? chats? conversations? questions? answers? products? orders?
    letters? reports? headlines? titles? story paragraphs? sms reply response input statements? claims?
    invoices? errors? transcripts? passages? descriptions?"""
)
_WHO = _words("customers? users? writers? authors? senders? persons?")
_ASPECT = _words(
    """sentiment tone mood category categories class classes labels? topic type kind priority severity
    level log_level language intent department urgency emotion subject options choices polarity status
    opinion"""
)
_LABELS = _words(
    """labels? class(?:es)? categor(?:y|ies) options? choices? values? answers? tags? types? topics? departments?
    levels? outputs?"""
)
_CHOOSE = _words(
    """classify label categori[sz]e tag triage sort bucket assign route grade rate score judge mark flag
    file put group decide determine detect identify choose pick select predict name_the tell_(?:me|us)
    say answer reply respond"""
)

# "Text: …", behind which the instruction is over
TEXT_HEAD = re.compile(
    r"(?:^|(?<=[.?!)\]:] )|(?<=\n))(?:the |here is the |this is the )?"
    rf"(?:{_TEXT}|content|body|data|here it is|message)[ \t]*:(?=\s|$)",
    IGNORECASE,
)

# the beginning of a sentence that sets a task of choosing
_POLITELY = (
    r"(?:(?:please|now|then|so|next|kindly|ok|okay|and|i (?:want|need|would like) you to|(?:can|could|"
    r"would) you|help me(?: to)?|"
    r"your (?:task|job) is to|you (?:must|should|have to|will)|you|we need to|let's|given [^,.\n]{1,60},|"
    r"(?:read|look at|check|consider|see|take)[^,.\n]{0,60}(?:,| and)(?: then)?|for (?:this|the|"
    r"each) [^,.\n]{1,40},)\s{1,3}){0,4}"
)
TASK = re.compile(
    rf"{_POLITELY}(?:{_CHOOSE}\b|what(?:'s| is| are|) [^?\n]{{0,40}}\b{_ASPECT}\b|which\b|"
    rf"how (?:severe|urgent|important|would you)\b|(?:the )?{_ASPECT}\b)",
    IGNORECASE,
)
ASKS = re.compile(
    _words("is are was were does do did has have had can could will would should may might must") + r"\b", IGNORECASE
)
ADDRESSED = re.compile(r"^\w+ (?:you|we|i|there|anyone|anybody|someone)\b", IGNORECASE)
OTHER_TASK = re.compile(
    r"\b"
    + _words(
        r"""extract summar\w+ translat\w+ write rewrite explain list find convert turn compare difference define
    replace rhyme calculate json fields? keys? columns? correct fix paraphrase generate compose draft
    pull collect spell"""
    )
    + r"\b",
    IGNORECASE,
)

# the head of a list: Labels, Choose one of
HEAD = re.compile(
    r"(?:^|(?<=[.?!:,;)] )|(?<=\n))(?:the |your |use (?:the |these )?|from (?:the |these )?)?"
    r"(?:(?:possible|allowed|valid|available|permitted|candidate|following|answer|label)\s{1,3}){0,3}"
    rf"(?:{_LABELS}(?: (?:to choose from|are|is|set|names?)){{0,2}}|one of|"
    rf"(?:choose|pick|select)(?: exactly)? one(?: of)?(?: {_LABELS})?(?: from)?(?: the following)?)[ \t]*[:=][ \t]*",
    IGNORECASE,
)
CAPITAL_HEAD = re.compile(
    r"(?<=\w )(?:Labels|Options|Choices|Categories|Classes|Possible values|Allowed values):[ \t]*"
)
ANY_OF = re.compile(
    rf"\b(?:one of|(?:choos\w+|pick\w*|select|decide)(?: one| exactly one| only one)?(?: {_LABELS})? "
    r"(?:from(?: among)?|between|among|out of|of)|either)\b"
    rf"(?: (?:the following|these|those|the)(?: \w+)?(?: {_LABELS})?| {_LABELS})?\s?:?\s{{1,3}}(?=\S)",
    IGNORECASE,
)
LIMITS = re.compile(r"\b(?:must|should) be\b|^(?:exactly |only )?one of\b", IGNORECASE)

# "classify … as a, b or c"
AS = re.compile(
    r"\b"
    + _words(
        r"""classif\w+ label\w* categori[sz]\w* tag\w* mark\w* flag\w* rate grade judge treat describe
    identif\w+ sort\w* bucket\w* group\w* put file triage divide split decide determine detect assign\w*
    route send forward move score"""
    )
    + r"\b[^.?!\n:]{0,80}?\b(as|into|under|to|in)\b\s{1,3}(?=\S)",
    IGNORECASE,
)
ANSWER = re.compile(
    r"^(?:please |and |then |just |only ){0,3}(?:answer|reply|respond|say|return|output|print|write|pick|"
    r"choose|select|use)"
    r"(?: (?:only|just|exactly|simply|strictly|with|by|in|me|the words?|a single|one|word|either|saying|"
    r"back)){0,6}\s?:?\s{1,3}(?=\S)",
    IGNORECASE,
)
PICKS = re.compile(r"(?:please )?(?:pick|choose|select)", IGNORECASE)
WHETHER = re.compile(r"\b(?:whether|if)\s{1,3}(?=\S)", IGNORECASE)
BEFORE_COLON = re.compile(r"^[^:\n]{2,80}(?<!\d):\s{1,3}(?=\S)")
BRACKETS = re.compile(r"[(\[{<]([^()\[\]{}<>\n]{3,400})[)\]}>]")
EXAMPLE = re.compile(r"(?:e\.g|i\.e|for example|such as|see|like)\b", IGNORECASE)
QUOTED = re.compile(rf"[{OPENING}]([^{OPENING}{CLOSING}\n]{{1,40}})[{CLOSING}]")
YES_NO = re.compile(
    rf"\b(yes|y|true|ja|oui|si)\b[{CLOSING}]?\s?(?:/|\||,|,? or |,? oder | ou | o )\s?[{OPENING}]?(no|n|"
    rf"false|nein|non)\b",
    IGNORECASE,
)
OR_NOT = re.compile(r"\bor not\b", IGNORECASE)
SCALE = re.compile(rf"\b(\d)\s?(?:to|and|[{DASHES}])\s?(\d{{1,2}})\b", IGNORECASE)
RATES = re.compile(r"\b(?:rate|score|grade|scale|stars?|rating|points?)\b", IGNORECASE)
EITHER = re.compile(r"\bor\b", IGNORECASE)
SEPARATED = re.compile(r"\bor\b|[,;/|]", IGNORECASE)

# "is this review …": the subject, behind which the alternatives stand
IS = re.compile(r"^(?:so |and |now )?(?:is|are|was|were)\s{1,3}", IGNORECASE)
SUBJECT = re.compile(
    r"^(?:(?:the|this|that|these|those|my|our|your|his|her|their)(?: (?:\w+'s|overall|following|above))?"
    rf" (?:{_TEXT}|{_WHO}|{_ASPECT})|it|this|that|these|those|they|he|she)\b"
    r"(?: (?:about|in|of|more|rather|mostly|mainly|either|written in|best described as|overall|currently|"
    r"probably|likely)){0,3}:?\s{1,3}",
    IGNORECASE,
)
POINTS = re.compile(rf"\w+ (?:this|that|these|those|it|the (?:{_TEXT}|{_WHO}|{_ASPECT}))\b", IGNORECASE)
COPULA = re.compile(r"^(?:is|are|was|were|it is)\s{1,3}", IGNORECASE)

# the row of labels itself
NOTE = re.compile(rf"\s?(?::|\s[{DASHES}]\s|\s\()\s?")
BULLET = re.compile(rf"^\s*(?:[{DASHES}*\u2022+]|\d{{1,2}}[.)]|[a-z][.)])\s{{1,3}}")
CLAUSE_END = re.compile(rf":\s|:$|\s[{DASHES}]\s|\?|(?<=[\w{CLOSING})\]])\.(?:\s|$)")
CONJUNCTION = re.compile(r"^(?:or|and)\s+|\s+(?:or|versus|vs\.?)\s+", IGNORECASE)
ALTERNATIVE = re.compile(r"\bor\b|\bversus\b|\bvs\b|[/|;]", IGNORECASE)
TAIL = re.compile(
    r"\s(?:based|depending|according|by|for|with|please|only|then|from|in (?:this|the|one|your)|"
    r"and (?:then|explain|say|nothing|"
    r"return|give|reply|answer|tell)|without|using|if|when|nothing|no (?:other|explanation)|as (?:a|the|"
    r"one)|do not|don't|that|"
    r"which|to (?:the|this))\b.*$",
    IGNORECASE | re.DOTALL,
)
ARTICLE = re.compile(r"^(?:an?|the)\s+", IGNORECASE)
LEAD = re.compile(r"^(?:either|one of|exactly|only|just|being|the (?:following|labels|words?)|an?)\s+", IGNORECASE)
NOT_A_LABEL = re.compile(
    _words(
        """its? their my your his her all any each every this that them me you i we he she they what who how
    why when where the can could should do does did is are will would has have if"""
    )
    + r"\b|.*(?:[\n\t=@:!?]|\w\.\s)|\W*$",
    IGNORECASE | re.DOTALL,
)
NOT_PAIRS = {
    ("and", "or"),
    ("he", "she"),
    ("his", "her"),
    ("him", "her"),
    ("km", "h"),
    ("s", "he"),
    ("input", "output"),
    ("n", "a"),
}

"""What web pages, agencies and PDF files print around articles: patterns by reason.

:mod:`claimwire.data.junk` says how they are applied. Every pattern is matched against a whole line
of at most a few hundred characters.
"""

from __future__ import annotations

_TIME = r"(?:\d{1,2}[:.]\d{2}(?:[:.]\d{2})?(?:\s?[ap]\.?\s?m\.?)?|\d{1,2}\s?[ap]\.?m\.?)"
_ZONE = r"(?:\s?\(?(?:GMT|UTC|EST|EDT|CET|CEST|BST|MSK|PST|PDT|IST|EET|local time)(?:[+-]\d+)?\)?)"
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_WEEKDAY = r"(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?\.?,?\s)"
DATE = (
    rf"(?:{_WEEKDAY}?(?:\d{{4}}[-/.]\d{{1,2}}[-/.]\d{{1,2}}|\d{{1,2}}[-/.]\d{{1,2}}[-/.]\d{{2,4}}"
    rf"|\d{{1,2}}(?:st|nd|rd|th)?\s{_MONTH},?\s\d{{4}}"
    rf"|{_MONTH}\s\d{{1,2}}(?:st|nd|rd|th)?,?\s\d{{4}}))"
)
"""A full date, with or without its weekday (compile with ``re.IGNORECASE``)."""
CLOCK = rf"(?:{_TIME}{_ZONE}?)"
"""A time of day with or without its zone (compile with ``re.IGNORECASE``)."""
_STAMP = rf"(?:{DATE}(?:[\s,T|·•@–-]+(?:at\s)?{CLOCK})?|{CLOCK}(?:[\s,|·•–-]+{DATE})?)"
_AGO = r"(?:(?:\d{1,3}|an?|one|two)\s?(?:s|m|h|d|w|sec|min|hr|second|minute|hour|day|week)s?\sago)"

_NAME = r"(?:(?:[A-Z][\w.'’-]{0,30}|de|la|van|von|der|bin|ibn|al|el|di)\b\.?)"
_ROLE = (
    r"(?:correspondent|editor|reporter|staff|writers?|analyst|agencies|our|the|a|and|in|for|of|at|"
    r"with|by|writing|editing|reporting|photographs|additional|special|chief|defen[cs]e|diplomatic"
    r"|foreign|senior|bureau|Editing|Writing|Reporting|Additional)"
)
_SITES = (
    r"(?:facebook|twitter|x|whatsapp|telegram|linkedin|reddit|pinterest|instagram|youtube|e-?mail"
    r"|google news|google|messenger|threads|tiktok|signal|viber|bluesky|friends?)"
)

RULES: tuple[tuple[str, str], ...] = (
    (
        "link",
        r"(?i:(?:[\w ]{1,20}: ?)?<?(?:https?://|www\.|pic\.[a-z]{2,})\S+>?(?:\s+(?:https?://"
        r"|www\.)\S+)*)",
    ),
    ("link", r"[\w.+-]{1,60}@[\w-]{1,60}\.[\w.-]{1,40}"),
    ("link", r"\[\^?[\w-]{1,20}\]: ?\S+"),
    (
        "link",
        r"(?i:\[(?:read|see|more|watch|continue|click|full|sign|subscribe)[^\]]{0,80}\][(_]\S*)",
    ),
    ("caption", r"!\[[^\]]*\][(_]\S*"),
    ("table", r"\|.*\|"),
    ("hashtags", r"(?:[#@][\w.]+[\s,]*)+"),
    (
        "advert",
        r"(?i:(?:story|article) continues (?:below|after).{0,40}|advertisement\s*[-–—|:].{0,80}"
        r"|\[?(?:ad|advert|advertisement)\]?|(?:sponsored|promoted) (?:by|content).{0,60}"
        r"|ad feedback.{0,20})",
    ),
    (
        "read more",
        r"(?i:(?:read|see|watch|listen)(?: more| also| next| now)?\s?[:»>→|]\s?.{1,200}"
        r"|(?:also read|read more|read also|more on this|related(?: (?:story|stories|articles?|news"
        r"|coverage))?|don['’]t miss|must[- ]read|in pictures|in case you missed it|see also"
        r"|up next"
        r"|recommended|you may also like|te puede interesar|leer también|lire aussi|читайте также)"
        r"\s?[:»>→|–—-]\s?.{1,200}|(?:click here|tap here) (?:to|for) .{1,80})",
    ),
    ("read more", r"READ (?:MORE|ALSO|NEXT)\b.{0,200}"),
    (
        "share",
        rf"(?i:(?:share|tweet|post|pin|send|print|save|follow|find|like|join)(?: (?:this|us|the"
        rf"|our|it|"
        rf"article|story|page|post|me))*(?: (?:on|via|by|with|to|at|in))?(?:[\s,|/]+(?:and |or )?"
        rf"{_SITES})+(?: (?:and|for) .{{1,80}})?)",
    ),
    ("share", rf"(?i:{_SITES}(?:[\s,|/·•]+(?:{_SITES}|share|print|copy link|save|comments?))+)"),
    (
        "share",
        r"(?i:(?:\d[\d.,]*\s?[kKmM]?\s(?:shares?|likes?|reposts?|retweets?|repl(?:y|ies)|views?"
        r"|comments?|quotes?|bookmarks?|reactions?)[\s,·•|]*)+|comments? \(?\d+\)?"
        r"|replying to @\w.{0,60})",
    ),
    (
        "share",
        rf"@[\w.]{{1,40}}(?:\s?[·•|-]\s?(?:\d{{1,3}}\s?[smhdw]|(?i:{_AGO})"
        rf"|(?i:{_MONTH}) ?\d{{1,2}}))?:?",
    ),
    (
        "subscription",
        r"(?i:(?:please )?(?:sign up|subscribe|register)\b.{0,160}\b(?:newsletters?|briefing"
        r"|alerts?"
        r"|updates|inbox|free|here|now|today|channel|podcast|e-?mails?|us|access|reading)\b.{0,120}"
        r"|get (?:the|our|your|all|more)\b.{0,120}\b(?:inbox|newsletters?|alerts|our app)\b.{0,80}"
        r"|enter your e-?mail.{0,80}|you can unsubscribe.{0,80}"
        r"|you are receiving this e-?mail.{0,160}|already (?:a|have an?) (?:subscri|member|account)"
        r".{0,80}|(?:support|donate to) (?:our|independent|quality) .{0,80}"
        r"|was this forwarded to you.{0,80}|download (?:our|the) .{0,30}\bapp\b.{0,80}"
        r"|join (?:our|us on|the) .{0,40}\b(?:channel|telegram|whatsapp|newsletter"
        r"|community)\b.{0,60}"
        r"|follow (?:us|our) .{0,40}\b(?:channel|telegram|whatsapp|facebook|twitter|instagram|x)\b"
        r".{0,80}|this (?:article|content|story) is (?:for|available to) subscribers.{0,60})",
    ),
    (
        "comment form",
        r"(?i:your e-?mail address will not be published.{0,80}|required fields are marked.{0,20}"
        r"|save my name.{0,120}|you must be (?:logged in|a subscriber|registered).{0,80}"
        r"|(?:please )?log ?in to (?:post|leave|read|continue|comment).{0,60}"
        r"|comments (?:are|have been) (?:closed|disabled|moderated).{0,80}|be the first to .{0,60}"
        r"|(?:found|spotted|see) an? (?:mistake|error|typo)\b.{0,80}|select it and press.{0,40}"
        r"|save (?:articles?|stories) .{0,80}"
        r"|(?:notify|alert) me (?:of|when).{0,80}|have your say.{0,60}|what do you think\?.{0,80}"
        r"|do you have (?:a story|a tip|information|more).{0,120}|send us .{0,30}\b(?:tips?|story"
        r"|photos?|videos?|stories)\b.{0,80}|got a (?:tip|story).{0,80}|contact the (?:author"
        r"|reporter|newsroom|editor).{0,80})",
    ),
    (
        "share",
        r"(?i:(?:click|tap) to (?:share|email|print|copy|tweet|follow).{0,80}"
        r"|.{0,60}\(opens in (?:a )?new (?:window|tab)\)|post views: .{0,20}|views: [\d.,]+"
        r"|[\d.,]+[km]? (?:min(?:ute)?s?|views?|shares?|reads?)(?: ago)?)",
    ),
    (
        "player",
        r"(?i:(?:your browser|this browser) does not support.{0,120}"
        r"|(?:video|audio|media) (?:player"
        r"|unavailable|could not be loaded|is loading).{0,80}|(?:please )?enable javascript.{0,120}"
        r"|javascript (?:is|must be) .{0,100}|loading (?:video|comments|content|more)?.{0,20}"
        r"|(?:duration|current time|remaining time|playback rate)\s?:?\s?[\d:x.-]*"
        r"|(?:video )?duration \d.{0,60}|list (?:of \d{1,2} items|\d{1,2} of \d{1,2})|end of list"
        r"|an error (?:has )?occurred.{0,80}|(?:image|photo|slide) \d{1,3} (?:of|/) \d{1,3})",
    ),
    (
        "consent",
        r"(?i:(?:we|this (?:web)?site|our (?:web)?site|we and our partners)\b.{0,60}\b(?:uses?"
        r"|using"
        r"|stores?|sets?)\b.{0,60}\bcookies\b.{0,200}|by (?:continuing|clicking|using|browsing"
        r"|closing"
        r"|subscribing|signing)\b.{0,160}\b(?:cookies?|terms|privacy)\b.{0,120}"
        r"|(?:accept|reject|allow|manage|decline)\b.{0,30}\b(?:cookies|preferences|settings"
        r"|consent))",
    ),
    (
        "byline",
        rf"(?:(?:By|BY|Written by|Reported by|Reporting by|Report by|Words by|Photographs? by"
        rf"|Photos? by"
        rf"|Story by|Text by|Additional reporting by|Editing by|Edited by|Compiled by"
        rf"|Translated by)"
        rf"(?!\s(?i:{_WEEKDAY}|{_MONTH}\b|the\b|then\b|now\b))\s{_NAME}(?:[\s,;|/&]+(?:{_NAME}"
        rf"|{_ROLE}))+)",
    ),
    (
        "byline",
        r"(?i:by (?:our )?(?:staff|agencies|afp|reuters|ap|news desk|web desk|staff (?:writer"
        r"|reporter)s?))",
    ),
    ("byline", r"(?:Author|Reporter|Writer|Editor|Correspondent)s?\s?:\s?.{1,80}"),
    (
        "byline",
        r"(?i:\(?with (?:inputs? |reporting |files |additional reporting )?(?:from|by) .{1,80}\)?)",
    ),
    ("byline", r"From (?:our|Our) .{0,30}[Cc]orrespondent.{0,40}"),
    (
        "metadata",
        rf"(?i:(?:(?:first )?published|posted|updated|last (?:updated|modified|edited)|date|issued"
        rf"|filed|on|printed)(?: on| at| in [\w ,]{{1,40}}?)?\s?[:,]?\s?(?:{_STAMP}"
        rf"|{_AGO})(?:\s?[|·•–—-]\s?.{{0,60}})?)",
    ),
    ("metadata", rf"(?i:{_STAMP}(?:\s?[|·•–-]\s?.{{0,40}})?|{_AGO})"),
    ("metadata", r"(?i:(?:\**reading time:?\**:?\s?)?\d{1,3}\s?-?\s?min(?:ute)?s?(?: read)?)"),
    (
        "metadata",
        r"(?i:(?:tags?|categor(?:y|ies)|keywords?|topics?|sources?|via|location|filed under"
        r"|section|url|source url|slug|lang"
        r"|language|publisher|site ?name|doc(?:ument)? ?id|id|isbn|issn)\s?:\s.{1,200})",
    ),
    (
        "metadata",
        r"(?i:[(\[]?(?:translated|machine[- ]translated"
        r"|translation) from (?:the )?[A-Z]\w+\b.{0,60})",
    ),
    ("metadata", r"[A-Z][\w' ]{2,40}, (?i:edición|édition|edition)\b.{0,40}"),
    (
        "caption",
        r"(?i:\[?\(?(?:file )?(?:photo|image|picture|photograph|caption|illustration|infographic"
        r"|photo credit|image credit|picture credit|credit|image source|image caption)s?"
        r"(?: by| credit| courtesy(?: of)?| caption)?\s?[:/|©]\s?.{1,280})",
    ),
    (
        "caption",
        r"(?:.{0,280}[\[(](?i:(?:(?:ap|afp|epa|reuters|file|getty|handout|archive)[ /]{0,3})?"
        r"(?:photo|file photo|image|picture|handout|screengrab|photo credit"
        r"|credit))\b[^\])]{0,100}[\])]\.?)",
    ),
    (
        "caption",
        r".{0,280}(?:\[[A-Z][\w.'’-]*|\([A-Z][\w.'’-]* [A-Z][\w.'’-]*)(?: [A-Z][\w.'’-]*){0,3}"
        r"\s?/\s?[A-Z][\w.'’ -]{1,40}[\])]\.?",
    ),
    ("caption", r".{0,280}/\s?[A-Z][\w ]{1,30} via [A-Z][\w ]{1,30}\.?"),
    ("caption", r"FILE(?: PHOTO| IMAGE)?\s?[-–—:]\s?.{1,280}"),
    (
        "caption",
        r"(?:Words|Photos?|Photographs?|Photography|Pictures?|Video|Graphics?|Map)"
        r" by (?:the )?(?:[A-Z][\w.'’-]* ?){1,6}",
    ),
    (
        "rights",
        r"(?i:(?:copyright|©|\(c\)\s?\d{4}).{0,200}|.{0,120}\ball rights reserved\b.{0,120})",
    ),
    (
        "rights",
        r"(?i:this (?:article|story|report) (?:was|is) (?:originally |first )?(?:published"
        r"|syndicated"
        r"|republished|produced)\b.{0,160}|(?:originally|first) published (?:in|on|by|at)\b.{0,120}"
        r"|the views expressed (?:in|here|by|are).{0,200}|(?:unauthori[sz]ed"
        r"|no) reproduction.{0,160}"
        r"|may not be (?:published|reproduced).{0,160})",
    ),
    (
        "editorial note",
        r"(?i:(?:we are|we['’]re) (?:pausing|closing|wrapping up|ending) (?:our|this|the) live"
        r" (?:coverage|blog|page).{0,120}"
        r"|this (?:article|story|page|post) (?:has been|was|will be) (?:last )?updated.{0,80})",
    ),
    (
        "stage direction",
        r"(?i:[(\[](?:(?:a )?(?:long |short |brief )?(?:pause|silence)|laughs"
        r"|laughter|laughing|sighs"
        r"|applause|cheers|crosstalk|inaudible|unintelligible|indistinct|coughs|nods|weeps|cries"
        r"|interruption|recess|break|off mic|music|the (?:witness|interview|session|meeting|court"
        r"|hearing|tape|recording) [^()\[\]]{1,40})\.?[)\]])",
    ),
    (
        "wire mark",
        r"(?:ZCZC\b.{0,60}|NNNN|-{1,2}\s?30\s?-{1,2}|\(?(?:ends|ENDS|END)\)?\.?|(?i:attn|eds?"
        r"|editors)\s?:.{0,120}"
        r"|\((?i:adds|recasts|updates|corrects|refiles|writes through|releads)\b.{0,160}\)"
        r"|\((?:CROSSTALK|INAUDIBLE|APPLAUSE|LAUGHTER|UNINTELLIGIBLE)\)|(?i:more to (?:follow"
        r"|come)).{0,20}"
        r"|\(?(?i:reporting|writing|editing) by .{1,200}\)?)",
    ),
    (
        "contact",
        r"(?i:(?:(?:media |press )?contacts?|tel|telephone|phone|fax|e-?mail|mobile"
        r"|website)\s?[.:]\s?.{1,120})",
    ),
    (
        "page furniture",
        r"(?i:(?:page|p\.|sheet)\s?\d{1,4}(?:\s?(?:of|/)\s?\d{1,4})?|[-–—]?\s?\d{1,4}\s?[-–—]?"
        r"|\d{1,4}\s?/\s?\d{1,4}|\d{1,4}(?:-\d{1,6}){1,3}|[\w ,.-]{1,60}\s[-–—|]\s"
        r"(?:confidential|restricted|unclassified|official use only))",
    ),
)

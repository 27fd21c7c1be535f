"""How models begin a refusal, by language. Its date (`LIST`) and how well it does: `checks.refusal`.

For each language: apologies and other openings that a refusal may start with, and what makes it one. All are regular
expressions over text that was casefolded, in NFKC, with straight apostrophes and single spaces. A core is narrow on
purpose, with a verb that only a model uses of itself ("I can't help with", "I cannot provide"): people write "I can't
log in" and "we cannot refund you" in the very tickets and mails that Synapse is asked to sort, quote or answer.
"""

# ruff: noqa: E501, ISC004, RUF001
# A list of verbs reads better on few long lines than broken into many; each pattern ends at its comma.

from __future__ import annotations

_EN_VERBS = (
    r"(?:help(?! but\b)(?! \w+ing\b)(?: you)?(?=[ ,.!;:]|$)(?! (?:with )?(?:the )?mov\w+)|assist|provide(?! my\b)|comply|fulfill?\b"
    r"|answer (?:that|this|your|the question|any|such|questions)|(?:create|generate|write|produce|draft|compose) (?!to\b)"
    r"|give (?:you |out )?(?:\w+ ){0,2}?(?:advice|instructions|information|medical|legal|financial|an opinion"
    r"|a diagnosis|that|this|details)"
    r"|offer (?:you )?(?:\w+ ){0,2}?(?:advice|opinions?|guidance|instructions|information|help|assistance|details)|go into (?:any )?(?:details?|specifics)"
    r"|make (?:that|this|such)\b|verify (?:that|this)|advise (?:you )?on how|teach you|promise that"
    r"|share (?:that|this|any|information|personal|instructions|details|private|confidential|my (?:system|instructions|prompt))"
    r"|support (?:that|this|such|requests)|engage (?:in|with)|discuss (?:that|this|such|topics|political|my)|participate in (?:that|this|such)"
    r"|do (?:that|this|so)(?! (?:any ?more|any longer|alone|without|because|until|before|job|work|today|tomorrow))"
    r"|continue (?:with )?(?:this|that|the)(?: \w+ of)? (?:conversation|request|topic|discussion|role)|complete (?:this|that|your) (?:request|task)"
    r"|process (?:this|that|your) (?:request|image)|reveal|disclose|facilitate|promote|endorse|speculate|(?:translate|summari[sz]e) (?:this|that|it|your)|tell you (?:how|what|where|which|that|this)|take part in (?:this|that|such)"
    r"|(?:access|browse|search|visit|open) (?:the )?(?:internet|web\b|external|real-time|live|urls?|links\b|websites)"
    r"|(?:see|view|analy[sz]e|identify|recogni[sz]e|process|describe) (?:the )?(?:images?|photos?|pictures?|people|individuals|real people"
    r"|attachments?|audio|videos?)"
    r"|predict|diagnose|express (?:personal )?opinions|form opinions|have (?:personal )?(?:opinions|feelings|beliefs)"
    r"|meet (?:this|that|your) request|accommodate|honou?r (?:this|that|your) request|role-?play|pretend|impersonate)"
)
_AI = (
    r"(?:ai|a\.i\.|artificial intelligence|large language model|language model|chatbot|virtual assistant|digital assistant)"
    r"(?: (?:language )?(?:model|assistant|system|chatbot|program))?(?: (?:developed|created|trained|made|built|designed|programmed)[^,.\n]{0,60})?"
)
_EN_MODAL = (
    r"(?:i(?:'m| am) (?:really |simply |just |also |therefore |unfortunately |still |sorry,? but )*(?:unable|not able|not going|not allowed|not permitted"
    r"|not programmed|not designed|not authori[sz]ed|not willing|incapable of|not here) ?(?:to)?"
    r"|i (?:really |simply |just |also |therefore |unfortunately |still |truly )*"
    r"(?:can't|cannot|can not|couldn't|won't|will not|won't be able to|will not be able to|shouldn't|should not"
    r"|must not|don't|do not|decline to|refuse to|must decline to|have to decline to|must refuse to|would rather not"
    r"|prefer not to|would prefer not to|lack the (?:ability|capability|capacity) to|am going to have to decline to)"
    r"|i'd (?:rather not|prefer not to))"
)
_EN_ADVERBS = r" (?:in good conscience |ethically |legally |directly |actually |currently |really |simply |help or |knowingly |responsibly )*"

PHRASES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "en": (
        (
            r"(?:oh|no|well|hmm|hi|hello|hi there|unfortunately|regrettably|sadly|however)",
            r"(?:i'm|i am|we're|we are)? ?(?:so |very |really |truly |deeply |terribly )*sorry(?: to (?:say|disappoint|inform you)[^,.]{0,40}|,? [a-z]{2,12}(?=[.!]))?"
            r"(?:,? (?:but|however))?",
            r"(?:my |sincere |my sincere )?apologies(?:,? but)?",
            r"i (?:do )?apologi[sz]e(?: for[^,.]{0,60})?(?:,? but)?",
            r"i regret(?: to (?:say|inform you))?(?: that)?",
            r"(?:but|while i|i'm afraid(?: that)?|i am afraid(?: that)?|i must say|i have to say|to be honest|for safety reasons"
            r"|for (?:ethical|legal|privacy) reasons)",
            r"(?:thank you|thanks|i understand|i appreciate|i know|i hear|i see|i'd (?:love|like|be happy)|i would (?:love|like|be happy)"
            r"|i want to help|although|while|this is a|that's a|that is a|it sounds like)[^\n]{0,160}?(?:,? but|[.!] however|[.!] unfortunately"
            r"|,|[.!] but)",
            r"(?:as|since i'm|being|i'm just|i'm only|i am just|i am only|because i'm) an? " + _AI,
            r"(?:i'm|i am) (?:designed|programmed|trained|here|built)[^.\n]{0,80}?,? so",
            r"(?:due to|because of|according to|in line with|per) (?:my|our|the|safety|content|openai)[^,.\n]{0,60}(?:guidelines|polic(?:y|ies)|rules"
            r"|restrictions|programming)",
        ),
        (
            _EN_MODAL + _EN_ADVERBS + _EN_VERBS,
            r"i(?:'m| am) (?:not comfortable|uncomfortable) (?:with )?(?:help|assist|provid|writ|creat|generat|answer|discuss|engag|continu|shar|giv)\w*",
            r"i (?:don't|do not|wouldn't) feel comfortable (?:help|assist|provid|writ|creat|generat|answer|discuss|engag|continu|shar|giv)\w*",
            r"i(?:'m| am) (?:going to have to |gonna have to )(?:decline|refuse)",
            r"i (?:must|have to|need to|will have to|'ll have to)? ?(?:respectfully |politely )*(?:decline|refuse)"
            r" (?:to (?:help|assist|provide|write|create|generate|answer|do|engage|produce|share|continue)|this request|that request|your request)",
            r"as an? " + _AI + r",? i (?:do not|don't|can't|cannot|am not|lack|have no|must|am unable|will not|won't)",
            _EN_MODAL + r" in good conscience",
            r"i (?:don't|do not) think (?:that )?i (?:should|can|could) (?:help|assist|do that|do this|answer that|write that|continue)",
            r"(?:that's|that is|this is|it's|it is|that goes|this goes|this would go|that would go) against my (?:guidelines|polic(?:y|ies)|programming|principles|rules|values)",
            r"i lack the (?:ability|capability|capacity) to",
            r"i (?:do not|don't) have (?:access to (?:real-?time|the internet|external|current|live|up-to-date|your (?:files|personal|location|data|screen)"
            r"|that (?:information|file)|personal|the (?:file|image|document|attachment|web))|the (?:ability|capability|capacity) to"
            r"|real-?time|personal (?:opinions|feelings|beliefs|experiences|preferences)|browsing|internet access|opinions)",
            r"(?:that's|that is|this is|it's|it is) not something (?:that )?i(?:'m| am)? ?(?:can|able to|willing to|comfortable)\b",
            r"(?:that's|that is|this is|it's|it is) something (?:that )?i(?:'m| am)? ?(?:can't|cannot|won't|will not|not able to|not willing to|not comfortable|unable to)\b",
            r"(?:that's|that is|this is|it's|it is) (?:beyond|outside(?: of)?) (?:what i can|my (?:capabilities|abilities|scope|remit))",
            r"(?:it (?:is|would be|wouldn't be|is not|isn't)) (?:not )?(?:appropriate|inappropriate|unethical|illegal|irresponsible|ethical|right|possible) for me to",
            r"(?:this|that|your|the) (?:request|prompt|question|content|message|query) (?:may |might |appears to |seems to )?(?:violates?|goes against|go against"
            r"|conflicts? with|is against|falls outside) (?:our|my|the|usage|content|safety|openai|anthropic|google)[^.\n]{0,40}(?:polic|guideline|terms|rules)",
            r"your (?:request|prompt|question|message) (?:has been|was) (?:blocked|flagged|rejected)(?: by (?:our|the) |[ ,.]|$)(?!as spam)",
            r"my (?:guidelines|programming|policies|policy|training|rules) (?:do not|don't|does not|doesn't|prevents?|prohibits?|forbids?)",
            r"(?:i'm|i am) (?:just|only) an ai(?:,| and) (?:i )?(?:can't|cannot|don't|do not)",
            r"(?:let's|let us) (?:change the (?:topic|subject)|talk about something else)",
            r"i(?:'m| am) still learning(?: how)? to (?:answer|respond)",
            r"i won't (?:be )?(?:help|assist|provid|writ|creat|generat|answer|engag|shar)\w*",
        ),
    ),
    "de": (
        (
            r"(?:leider|nein|bedaure|hallo|aber|ich fürchte)",
            r"(?:es )?tut mir (?:sehr |wirklich |aufrichtig )*leid(?:,? (?:aber|dass))?",
            r"(?:entschuldigung|entschuldige|entschuldigen sie|verzeihung|ich bitte um (?:verzeihung|entschuldigung|verständnis))(?:,? aber)?",
            r"ich (?:verstehe|würde|weiss|schätze)[^\n]{0,120}?,? (?:aber|doch|jedoch)",
            r"als (?:eine? )?(?:ki|künstliche intelligenz|ki-\w+|sprachmodell|ki-basiertes? \w+|assistent)(?: [a-zäöüß -]{0,40})?",
            r"(?:aus|wegen) (?:rechtlichen|ethischen|meiner|der)[^,.\n]{0,50}(?:gründen|richtlinien)",
        ),
        (
            r"(?:dabei|dazu|damit|das|so etwas|hierbei|bei dieser? \w+|bei diesem? \w+|diese \w+|hier) (?:kann|darf|möchte|werde) ich"
            r"(?: ihnen| dir| euch)?(?: leider)?(?: hier)? (?:nicht|keine?)",
            r"(?:ich )?(?:kann|darf|möchte|werde|konnte)(?: ich)?(?: ihnen| dir| euch)?(?: dabei| dazu| damit| hierbei| hier| bei [^.,\n]{0,60}?| diese[rnms]? [^.,\n]{0,40}?"
            r"| das| ihre[rn]? [^.,\n]{0,30}?| leider| auf [^.,\n]{0,40}?)* (?:nicht|leider nicht|keine[nr]?)[^.\n]{0,80}?(?:helfen|weiterhelfen|behilflich|unterstützen"
            r"|beantworten|bereitstellen|erstellen|schreiben|verfassen|geben|liefern|erfüllen|nachkommen|erzeugen|generieren|ausführen|anbieten|teilen|zugreifen|durchführen)\b",
            r"(?:ich )?bin (?:ich )?(?:leider )?nicht (?:in der lage|befugt|berechtigt|dazu in der lage|programmiert)",
            r"(?:ich )?habe (?:ich )?(?:leider )?keinen? (?:zugriff auf (?:echtzeit|das internet|aktuelle|externe|live)|persönlichen? (?:meinung|gefühle|ansichten)|meinung)",
            r"(?:ich )?muss (?:ich )?(?:diese|ihre|deine) (?:anfrage|bitte) (?:leider )?ablehnen",
            r"(?:diese|ihre|deine) (?:anfrage|frage|bitte) (?:verstösst|widerspricht)",
            r"als (?:eine? )?(?:ki|sprachmodell)\S*(?: [^,.\n]{0,40})? (?:kann|darf|habe|bin|besitze|verfüge) ich[^.\n]{0,60}? (?:nicht|keine[nrsm]?|kein)\b",
            r"(?:auf )?(?:das|darauf|dazu|darüber) (?:möchte|will|werde|kann|darf) ich (?:ihnen |dir )?(?:leider )?(?:nicht|keine) (?:antworten|beantworten|schreiben|sprechen|sagen|auskunft|eingehen)",
            r"(?:ich )?(?:lehne es ab|weigere mich)",
            r"(?:bei|mit) [^.,\n]{1,40} helfe ich (?:ihnen |dir )?nicht",
            r"(?:ich )?möchte (?:ich )?(?:darauf |dazu |das )?lieber nicht (?:antworten|beantworten|schreiben|helfen)",
        ),
    ),
    "fr": (
        (
            r"(?:malheureusement|hélas|non|bonjour|mais|je crains que non|j'ai bien peur que)",
            r"(?:je suis )?(?:vraiment |sincèrement )?(?:désolée?|navrée?)(?:,? mais)?",
            r"je (?:vous |te )?prie de m'excuser(?:,? mais)?",
            r"(?:toutes )?mes excuses(?:,? mais)?|excusez-moi(?:,? mais)?|je m'excuse(?:,? mais)?|je regrette(?:,? mais)?",
            r"je (?:comprends|sais|serais|vous remercie)[^\n]{0,120}?,? (?:mais|cependant|toutefois)",
            r"en tant qu'?(?:e )?(?:ia|intelligence artificielle|modèle de langage|assistante? \w+|assistante?|modèle)(?: [a-zéèêàçù' -]{0,50})?",
        ),
        (
            r"je ne (?:peux|puis|pourrai|saurais|suis pas en mesure|suis pas capable|suis pas autorisée?|suis pas habilitée?|souhaite|veux)(?: malheureusement)?(?: pas)?(?: malheureusement)?"
            r"(?: d'| de| à)? ?(?:(?:vous|t'|te|m'|y|en|le|la|l')[ ]?)*(?:aider|(?<=vous )assister|(?<=t')assister|fournir|répondre(?! au téléphone| aux appels| avant)|rédiger|écrire|créer|générer|donner|produire|accéder à internet"
            r"|accéder aux|satisfaire|accéder à (?:cette|votre) demande|traiter (?:cette|votre)|faire (?:cela|ça)|partager|participer|discuter|continuer cette|offrir|proposer|exécuter)",
            r"il (?:m'est|ne m'est pas|n'est pas) (?:impossible|possible|approprié)(?: pour moi)? de",
            r"je n'ai pas (?:accès à (?:internet|des informations|des données)|la (?:capacité|possibilité) de|d'opinions?|d'avis)",
            r"je (?:dois|me vois contrainte? de) (?:décliner|refuser)",
            r"je refuse (?:de |d')",
            r"(?:en tant qu'?e? ?(?:une? )?|je (?:ne suis qu'|suis )une? )(?:ia|intelligence artificielle|modèle de langage|assistante? virtuelle?)[^.\n]{0,50}? je n(?:e |')",
            r"je préfère ne pas (?:vous |te )?(?:répondre|aider|écrire|discuter|donner|continuer)",
            r"(?:cette|votre|ta) demande (?:enfreint|viole|va à l'encontre|est contraire)",
        ),
    ),
    "es": (
        (
            r"(?:lamentablemente|desafortunadamente|desgraciadamente|por desgracia|me temo que|no|hola|pero)",
            r"(?:lo siento(?: mucho)?|lo lamento(?: mucho)?|perdón|perdona|perdone|disculpa|disculpe|mis disculpas|me disculpo|siento mucho)(?:,? pero)?",
            r"(?:entiendo|comprendo|agradezco|gracias|me encantaría|me gustaría)[^\n]{0,120}?,? (?:pero|sin embargo)",
            r"como (?:una? )?(?:ia|inteligencia artificial|modelo de lenguaje|asistente(?: \w+)?|modelo)(?: [a-zñáéíóú -]{0,50})?",
        ),
        (
            r"(?:yo )?no (?:puedo|podré|podría|me es posible|estoy en condiciones de|soy capaz de|estoy autorizad[oa] (?:a|para)|me está permitido|debo|voy a)"
            r" ?(?:ayudar|asistir(?:te|le|les|lo|la)\b|proporcionar|brindar|responder|escribir|crear|generar|dar(?:te|le|les)? (?:consejo|instrucciones|información|asesoramiento)|ofrecer|cumplir|acceder a (?:internet|información"
            r"|sitios)|hacer (?:eso|esto)|compartir|participar|proceder|continuar con|facilitar|redactar|producir|atender|realizar|completar esta)\w*",
            r"no tengo (?:acceso a (?:internet|información en tiempo real|datos en tiempo real)|la capacidad de|opiniones)",
            r"(?:debo|tengo que|me veo obligad[oa] a) (?:rechazar|declinar|negarme)",
            r"me niego a",
            r"(?:como|soy) (?:una? )?(?:ia|inteligencia artificial|modelo de lenguaje|asistente virtual)[^.\n]{0,40}? no (?:puedo|tengo|soy|estoy)",
            r"no puedo (?:ver|abrir|procesar|analizar) (?:las |los )?(?:imágenes|fotos|enlaces|vídeos)",
            r"prefiero no (?:responder|ayudar|escribir|hablar|continuar)",
            r"(?:esta|tu|su) (?:solicitud|petición) (?:infringe|viola|va en contra|incumple)",
        ),
    ),
    "it": (
        (
            r"(?:purtroppo|no|ciao|ma|sfortunatamente|temo che)",
            r"(?:mi (?:dispiace|spiace|scuso)(?: molto)?|sono spiacente|scusa|scusami|scusi|spiacente|mi rincresce)(?:,? (?:ma|però))?",
            r"(?:capisco|comprendo|grazie|vorrei|mi piacerebbe)[^\n]{0,120}?,? (?:ma|però|tuttavia)",
            r"(?:come|in quanto|essendo) (?:una? |un')?(?:ia|ai|intelligenza artificiale|modello(?: linguistico| di linguaggio)?|assistente(?: \w+)?)(?: [a-zàèéìòù' -]{0,50})?",
        ),
        (
            r"(?:io )?non (?:posso|potrò|sono in grado di|mi è possibile|sono autorizzat[oa] a|mi è permesso|sono programmat[oa] per)"
            r" ?(?:aiutar|assister(?:ti|la|vi)\b|fornir|risponder|scriver|crear|generar|dare|darti|offrir|soddisfar|acceder|fare quest|farlo|condivider|partecipar|continuar|produr|rediger|proceder|esaudir|eseguir|consigliar)\w*",
            r"non ho (?:accesso a (?:internet|informazioni in tempo reale|dati)|la capacità di|opinioni)",
            r"(?:devo|sono costrett[oa] a) (?:rifiutare|declinare)",
            r"mi rifiuto di",
            r"(?:come|in quanto|sono) (?:una? |un')?(?:ia|ai|intelligenza artificiale|modello linguistico|assistente virtuale)[^.\n]{0,40}? non (?:posso|ho|sono)",
            r"non (?:posso|sono in grado di) (?:vedere|aprire|analizzare|elaborare) (?:le |i )?(?:immagini|foto|link|video)",
            r"preferisco non (?:rispondere|aiutar|scrivere|parlare|continuare)",
            r"(?:questa|la tua|la sua) richiesta (?:viola|va contro|contravviene)",
        ),
    ),
    "pt": (
        (
            r"(?:infelizmente|não|olá|mas|lamentavelmente)",
            r"(?:sinto muito|lamento|desculpe|desculpa|peço desculpas?|me desculpe|perdão|lamento muito)(?:,? mas)?",
            r"(?:entendo|compreendo|agradeço|obrigad[oa]|gostaria)[^\n]{0,120}?,? (?:mas|no entanto|porém)",
            r"como (?:uma? )?(?:ia|inteligência artificial|modelo de linguagem|assistente(?: \w+)?|modelo)(?: [a-zãõáéíóúâêôç -]{0,50})?",
        ),
        (
            r"(?:eu )?não (?:posso|poderei|consigo|sou capaz de|estou autorizad[oa] a|me é possível|é possível para mim|tenho permissão para|devo|vou)"
            r" ?(?:(?:te|lhe|o|a|vos)[ ])?(?:ajudar|ajudá|auxiliar|fornecer|responder a (?:essa|esta)|escrever|criar|gerar|dar (?:conselho|instruções|aconselhamento|informações)|oferecer|atender|acessar a internet|aceder"
            r"|fazer (?:isso|isto)|compartilhar|partilhar|participar|continuar com|produzir|cumprir|prestar|redigir|realizar)\w*",
            r"não tenho (?:acesso (?:à internet|a informações em tempo real|a dados)|a capacidade de|opiniões)",
            r"(?:devo|tenho de|tenho que|preciso) recusar",
            r"(?:como|sou) (?:uma? )?(?:ia|inteligência artificial|modelo de linguagem|assistente virtual)[^.\n]{0,40}? não (?:posso|tenho|consigo|sou)",
            r"não (?:posso|consigo) (?:ver|visualizar|analisar|processar) (?:as )?(?:imagens|fotos|vídeos)",
            r"recuso-me a|me recuso a|prefiro não (?:responder|ajudar|escrever)",
            r"(?:esta|essa|a sua|seu|sua) (?:solicitação|pedido) (?:viola|vai contra)",
        ),
    ),
    "nl": (
        (
            r"(?:helaas|nee|hallo|maar)",
            r"(?:het spijt me(?: zeer)?|sorry|mijn excuses|excuseer|excuses)(?:,? (?:maar|dat))?",
            r"(?:ik (?:begrijp|snap|waardeer|zou)|bedankt|dank)[^\n]{0,120}?,? maar",
            r"als (?:een )?(?:ai|kunstmatige intelligentie|taalmodel|ai-\w+|assistent)(?: [a-z -]{0,50})?",
        ),
        (
            r"(?:daar|hier)(?:bij|mee|aan)? kan ik (?:je |u |jullie )?(?:helaas )?niet (?:mee |bij )?(?:helpen|aan voldoen|meewerken|assisteren)",
            r"(?:ik )?(?:kan|mag|wil|zal|ga)(?: ik)?(?: je| u| jullie)?(?: daar| hier)?(?: helaas)?(?: [^.,\n]{0,40}?)? (?:niet|geen)[^.\n]{0,60}?(?:helpen|assisteren|beantwoorden|verstrekken|geven|schrijven|maken"
            r"|genereren|voldoen|bieden|delen|meewerken|uitvoeren|opstellen)\b",
            r"(?:ik )?ben (?:ik )?(?:helaas )?niet (?:in staat|bevoegd|geprogrammeerd)",
            r"(?:ik )?heb (?:ik )?(?:helaas )?geen (?:toegang tot (?:het internet|realtime|actuele)|persoonlijke mening|mening)",
            r"(?:ik )?moet (?:ik )?(?:dit|uw|je) verzoek (?:helaas )?(?:weigeren|afwijzen)",
            r"als (?:een )?(?:ai|taalmodel|kunstmatige intelligentie)\S*(?: [^,.\n]{0,40})? (?:kan|heb|mag|ben) ik[^.\n]{0,60}? (?:niet|geen)\b",
            r"(?:dit|uw|je) verzoek (?:schendt|is in strijd)",
        ),
    ),
    "pl": (
        (
            r"(?:niestety|nie|cześć|ale|obawiam się(?:,? że)?)",
            r"(?:przykro mi|bardzo mi przykro|przepraszam|wybacz)(?:,? (?:ale|że))?",
            r"(?:rozumiem|dziękuję|chciałbym|chciałabym)[^\n]{0,120}?,? (?:ale|jednak)",
            r"jako (?:sztuczna inteligencja|model językowy|ai|asystent(?: \w+)?|duży model językowy)(?: [a-ząćęłńóśźż -]{0,50})?",
        ),
        (
            r"nie (?:mogę|jestem w stanie|potrafię|będę|wolno mi)(?: \w+){0,2}? (?:pomóc|pomagać|udzielić|udzielać|odpowiedzieć|napisać|stworzyć|wygenerować|dostarczyć|podać|spełnić|zrealizować|zrobić tego"
            r"|wykonać|udostępnić|uczestniczyć|kontynuować|przedstawić|zaoferować|pisać|tworzyć)",
            r"nie mam (?:dostępu do (?:internetu|bieżących|aktualnych|danych)|własnych opinii|możliwości)",
            r"(?:muszę odmówić|odmawiam)",
            r"(?:jako|jestem) (?:sztuczna inteligencja|sztuczną inteligencją|model językowy|modelem językowym|ai)[^.\n]{0,40}? nie (?:mogę|mam|jestem|potrafię)",
            r"nie (?:mogę|jestem w stanie) (?:zobaczyć|wyświetlić|analizować) (?:obrazów|zdjęć|obrazu|zdjęcia)",
            r"(?:ta|twoja|pana|pani) prośba narusza",
        ),
    ),
    "ru": (
        (
            r"(?:к сожалению|увы|нет|но|боюсь(?:,? что)?)",
            r"(?:извините|простите|прошу прощения|мне (?:очень )?жаль|приношу (?:свои )?извинения|сожалею)(?:,? но)?",
            r"(?:я понимаю|понимаю|спасибо)[^\n]{0,120}?,? (?:но|однако)",
            r"как (?:ии|искусственный интеллект|языковая модель|большая языковая модель|ассистент|ии-\w+|виртуальный помощник)(?: [а-яё -]{0,50})?",
            r"я (?:всего лишь|просто) (?:языковая модель|ии)",
        ),
        (
            r"(?:я )?не (?:могу|смогу|в состоянии|имею права|вправе|буду|способ[ен]н?а?|умею)(?: \w+){0,2}? (?:помочь|помогать|предоставить|ответить на (?:этот|ваш|такие)|написать|создать|сгенерировать|дать (?:совет|инструкц"
            r"|рекомендац|вам)|выполнить|поделиться|обсуждать|участвовать|продолжать|предоставлять|сделать это|давать|писать|создавать)",
            r"(?:у меня нет|я не имею) (?:доступа к (?:интернету|данным|актуальн)|возможности|собственного мнения|мнения|личного мнения)",
            r"(?:я )?(?:вынужден[а]? отказать|отказываюсь|должен отказать)",
            r"(?:этот|ваш) запрос нарушает",
            r"как (?:ии|искусственный интеллект|языковая модель)[^.\n]{0,40}? не (?:могу|имею|умею|способ)",
            r"(?:я )?не (?:могу|умею) (?:видеть|просматривать|открывать) (?:изображения|фото|картинки|ссылки)",
            r"с этим я (?:помочь )?не (?:могу|смогу)",
        ),
    ),
    "uk": (
        (
            r"(?:на жаль|ні|але)",
            r"(?:вибачте|пробачте|перепрошую|мені (?:дуже )?шкода|прошу вибачення)(?:,? але)?",
            r"як (?:ші|штучний інтелект|мовна модель)(?: [а-яіїєґ' -]{0,50})?",
        ),
        (
            r"(?:я )?не (?:можу|зможу|маю права|буду|в змозі)(?: \w+)?? (?:допомогти|допомагати|надати|відповісти на (?:це|ваш)|написати|створити|згенерувати|виконати|поділитися|давати|надавати)",
            r"(?:у мене немає|я не маю) (?:доступу до (?:інтернету|даних|актуальн)|можливості|власної думки)",
            r"(?:я )?(?:змушен(?:ий|а) відмовити|відмовляюся)",
        ),
    ),
    "cs": (
        (
            r"(?:bohužel|ne|ale)",
            r"(?:omlouvám se|promiňte|je mi líto|lituji)(?:,? (?:ale|že))?",
            r"jako (?:umělá inteligence|jazykový model|ai|asistent)(?: [a-záčďéěíňóřšťúůýž -]{0,50})?",
        ),
        (
            r"(?:s (?:tím|tímto|touto \w+) (?:vám |ti )?)?(?:nemohu|nemůžu|nejsem schopen|nejsem schopna|nesmím|nebudu)(?: s \w+| \w+)?? (?:pomoci|pomoct|poskytnout|odpovědět|napsat|vytvořit|vygenerovat|splnit|sdílet|vyhovět)",
            r"nemám (?:přístup k (?:internetu|aktuálním)|možnost|vlastní názor)",
            r"(?:musím odmítnout|odmítám)",
        ),
    ),
    "sv": (
        (
            r"(?:tyvärr|nej|men)",
            r"(?:jag är ledsen|ledsen|förlåt|jag beklagar|beklagar|ursäkta)(?:,? men)?",
            r"som (?:en )?(?:ai|språkmodell|ai-\w+|artificiell intelligens)(?: [a-zåäö -]{0,50})?",
        ),
        (
            r"(?:det |detta )?(?:jag )?(?:kan|får|vill|kommer)(?: jag)?(?: tyvärr)? inte (?:att )?(?:hjälpa|bistå|ge (?:dig )?(?:\w+ )?(?:råd|instruktioner|information)|svara på (?:den|det|detta)|skriva|skapa|tillhandahålla|generera|uppfylla|dela|göra det|utföra)",
            r"(?:jag )?(?:har|saknar) (?:inte |ingen )?(?:tillgång till (?:internet|realtid)|egna åsikter|möjlighet)",
            r"(?:jag )?måste (?:tyvärr )?(?:avböja|neka|tacka nej till att)",
        ),
    ),
    "da": (
        (
            r"(?:desværre|nej|men|dessverre|nei)",
            r"(?:jeg beklager|beklager|undskyld|jeg er ked af det|unnskyld)(?:,? men)?",
            r"som (?:en )?(?:ai|sprogmodel|språkmodell|kunstig intelligens|ai-\w+)(?: [a-zæøå -]{0,50})?",
        ),
        (
            r"(?:det |dette )?(?:jeg )?(?:kan|må|vil)(?: jeg)?(?: desværre| dessverre)? (?:ikke|ikkje) (?:hjælpe|hjelpe|bistå|give (?:dig )?(?:\w+ )?(?:råd|instruktioner)|gi (?:deg )?(?:\w+ )?(?:råd|instruksjoner)|svare på (?:det|den|dette)|skrive|lave|oprette|generere|levere|opfylde|oppfylle|dele|gøre det|gjøre det)",
            r"jeg har (?:ikke|ingen) (?:adgang til (?:internettet|realtid)|tilgang til (?:internett|sanntid)|personlige? mening)",
        ),
    ),
    "fi": (
        (
            r"(?:valitettavasti|ei|mutta)",
            r"(?:olen pahoillani|pahoittelen|pahoittelut|anteeksi)(?:,? mutta)?",
            r"tekoälynä|kielimallina",
        ),
        (
            r"(?:minä )?(?:en (?:voi|pysty|saa|aio)|en valitettavasti (?:voi|pysty))(?: valitettavasti)?(?: \w+)? ?(?:auttaa|antaa|vastata (?:tähän|kysymykseesi)|kirjoittaa|luoda|tarjota|avustaa|toteuttaa|tehdä (?:tätä|sitä))",
        ),
    ),
    "tr": (
        (
            r"(?:maalesef|ne yazık ki|hayır|ancak)",
            r"(?:üzgünüm|özür dilerim|kusura bakmayın|kusura bakma)(?:,? (?:ama|ancak|fakat))?",
            r"(?:bir )?(?:yapay zeka|dil modeli)(?: [a-zçğıöşü]{0,20}){0,3} olarak",
        ),
        (
            r"[^.\n]{0,70}?(?:yardımcı olamam|yardımcı olamıyorum|yardımcı olamayacağım|yardım edemem|sağlayamam|sağlayamıyorum|yanıt veremem|yanıtlayamam|cevap veremem|yazamam|oluşturamam|üretemem|veremem|paylaşamam|yerine getiremem|yapamam\b)",
        ),
    ),
    "zh": (
        (
            r"(?:很抱歉|非常抱歉|十分抱歉|真的很抱歉|抱歉|对不起|對不起|不好意思|很遗憾|很遺憾|遗憾的是|你好|您好|但是|但|不过|不,|谢谢[^,。]{0,20})",
            r"(?:作为|作為|身为)(?:一个|一個|一名|一款)?(?:大型|大)?(?:ai|人工智能|人工智慧|语言模型|語言模型|智能助手)[^,。]{0,12}",
            r"(?:我理解|我明白|我知道)[^。\n]{0,60}?,(?:但是|但|不过|然而)",
            r"(?:根据|由于|出于)[^,。\n]{0,30}",
        ),
        (
            r"(?:我|本助手)?(?:暂时|目前|现在|實在|实在|也|恐怕)?(?:无法|無法|不能|不可以|不会|不會|不便|没有办法|沒有辦法|没办法|拒绝|拒絕|难以)(?:为您|为你|給您|给您|给你|向您|向你|在此|直接|就此|對|对|满足|滿足|帮|幫|协助|協助|提供|回答|回复|生成|编写(?:恶意|任何|此类|这)|创作|撰写|撰寫|完成|执行|執行"
            r"|参与|讨论|討論|透露|分享|继续|访问|浏览|协|处理您|处理你|写|支持)",
            r"[^,。\n]{0,10}我?(?:帮不了|帮不到|幫不了|爱莫能助|愛莫能助)",
            r"(?:作为|作為|身为)(?:一个|一個|一名|一款)?(?:大型|大)?(?:ai|人工智能|人工智慧|语言模型|語言模型|智能助手)[^,。]{0,12},?我?(?:不能|无法|無法|没有|沒有|不会|不會)",
            r"我?(?:不能|无法|無法)(?:直接)?(?:查看|打开|打開|看到|识别|識別|处理|浏览|访问)(?:图片|圖片|图像|圖像|链接|連結|网页|網頁|视频|照片|互联网)",
            r"我(?:没有|沒有)(?:权限|權限|能力|访问|个人|個人|实时)",
            r"(?:您|你|这个|该|此)的?(?:请求|問題|问题|要求)(?:违反|涉及|不符合)",
            r"(?:这|此)(?:类|个)?(?:内容|请求|问题)[^,。]{0,10}我(?:无法|不能)",
        ),
    ),
    "ja": (
        (
            r"(?:大変|誠に|まことに)?(?:申し訳ありませんが|申し訳ございませんが|申し訳ありません|申し訳ございません|すみませんが|すみません|恐れ入りますが|残念ながら|恐縮ですが|ごめんなさい)",
            r"(?:私は)?(?:ai|人工知能|言語モデル|aiアシスタント)(?:である|として|なので|ですので|のため)",
        ),
        (
            r"[^。\n]{0,60}?(?:お手伝い(?:する(?:こと)?は|することが|は|が)?(?:でき(?:ません|ない|かね)|いたしかね)|お答え(?:する(?:こと)?は|することが|は)?(?:でき(?:ません|かね)|いたしかね|しかね)|回答(?:する(?:こと)?は|は|を)?(?:でき(?:ません|かね)|いたしかね|控え)"
            r"|提供(?:する(?:こと)?は|することが|は)?(?:でき(?:ません|かね)|いたしかね)|お応え(?:することは)?(?:でき(?:ません|かね)|しかね)|ご要望には|ご協力(?:することは)?できません|対応(?:することは)?(?:できません|できかね|いたしかね|しかね)|作成(?:することは)?(?:できません|できかね|いたしかね)"
            r"|(?:画像|リンク|写真|ウェブ)[^。\n]{0,6}(?:見る|開く|閲覧する|確認する)こと(?:は|が)?できません|手伝えません|述べること(?:は|が)?できません|お手伝いいたしかねます|支援(?:することは)?できません|書くことはできません|生成(?:することは)?できません|共有(?:することは)?できません|ご案内(?:することは)?(?:できません|できかね))",
        ),
    ),
    "ko": (
        (
            r"(?:정말 |대단히 |매우 )?(?:죄송합니다만|죄송하지만|죄송합니다|미안합니다만|미안합니다|미안하지만|유감스럽게도|안타깝지만|안타깝게도|아쉽지만)",
            r"(?:저는 )?(?:ai|인공지능|언어 모델|인공지능 언어 모델|ai 언어 모델)(?: \w+)?(?:로서|이기 때문에|이므로|라서)",
        ),
        (
            r"[^.\n]{0,60}?(?:도와드릴 수(?:가|는)? 없|도와 드릴 수(?:가|는)? 없|도움을 드릴 수(?:가|는)? 없|도울 수(?:가|는)? 없|답변(?: ?드릴|해 ?드릴|을 드릴|할|을 제공할) 수(?:가|는)? 없|제공(?:할|해 ?드릴) 수(?:가|는)? 없|작성(?:할|해 ?드릴) 수(?:가|는)? 없|알려 ?드릴 수(?:가|는)? 없"
            r"|생성할 수(?:가|는)? 없|응할 수(?:가|는)? 없|수행할 수(?:가|는)? 없|지원할 수(?:가|는)? 없|공유할 수(?:가|는)? 없|처리할 수(?:가|는)? 없|말씀드릴 수(?:가|는)? 없|(?:이미지|사진|링크)를 (?:볼|열) 수(?:가|는)? 없|들어 ?(?:줄|드릴) 수(?:가|는)? 없)",
        ),
    ),
    "ar": (
        (
            r"(?:عذرا|عذرًا|آسف|أنا آسف|نأسف|أعتذر|للأسف|مع الأسف)(?:،? (?:ولكن|لكن))?",
            r"(?:بصفتي|كوني|باعتباري) [^،,.\n]{0,50}",
        ),
        (
            r"(?:ولكن |لكن |ولكنني |لكنني |فأنا |أنا |فإنني )?(?:لا أستطيع|لا يمكنني|لن أتمكن من|لا أقدر على|لست قادرا على|ليس بإمكاني|غير قادر على)(?: من| على)? ?(?:أن )?(?:ال)?(?:مساعد|تقديم|إجاب|كتاب|إنشاء|توفير|تلبية|مشارك|أساعد|أقدم|أجيب|أكتب|القيام بذلك)",
        ),
    ),
    "hi": (
        (
            r"(?:मुझे )?(?:खेद है|माफ़ कीजिए|माफ कीजिए|क्षमा करें|क्षमा कीजिए|माफ़ करें|माफ करें|दुर्भाग्य से)(?:,? (?:लेकिन|कि|परंतु))?",
            r"एक (?:एआई|ai|भाषा मॉडल)[^,।\n]{0,40}",
        ),
        (
            r"(?:लेकिन )?मैं [^।\n]{0,70}?(?:मदद|सहायता|सहायक|प्रदान|उत्तर|जवाब|लिख|बना|साझा|पूरा)[^।\n]{0,20}?(?:नहीं (?:कर|दे|लिख|बना|हो)|असमर्थ)",
        ),
    ),
}
"""Language → (openings, cores)."""

"""Make random values of records: names, numbers, dates, addresses, and strings that mean nothing."""

from __future__ import annotations

import string
from collections.abc import Callable
from random import Random

from synapse_cli.lab.nano.lists import listed

FIRST = listed(
    """Ada Ines Omar Mei Lars Priya Jonas Fatima Diego Yuki Anna Kwame Sofia Ivan Chloe Tariq Elena Marco Nadia
    Peter Aisha Hugo Leila Sven Rosa Victor Amara Felix Hana Luis Greta Samuel Zoe Arjun Bianca Tom Olga
    Ravi Carmen Noah Ingrid Malik Julia Emeka Laura Daniel Marta Kenji Ruth Pablo Karen David Linda James
    Maria Robert Susan Michael Emma Oliver Lucy Henry Grace Ahmed Wei Dmitri Paula Bruno Astrid Nkechi
    Tomasz Eva Andrei Sara Liam"""
)
LAST = listed(
    """Roth Lovelace Okafor Tanaka Nielsen Sharma Keller Haddad Morales Sato Kowalski Mensah Rossi Petrov Martin
    Aziz Novak Bianchi Rahman Schmidt Diallo Dubois Karimi Berg Jimenez Costa Eze Wagner Kim Fernandez
    Lindqvist Adeyemi Laurent Nakamura Silva Becker Brown Popescu Gupta Ruiz Wood Ivanova Patel Vega Johnson
    Larsen Hassan Weber Smith Garcia Jones Lee Chen Walker Young Murphy Kelly Cooper Reyes Fischer Horvat
    Papadakis Yilmaz O'Brien"""
)
CITIES = listed(
    """Berlin Lagos Osaka Lyon Toronto Porto Nairobi Oslo Lima Krakow Austin Dublin Seville Mumbai Hanoi Ghent
    Cairo Malmo Perth Boston Ankara Zurich Quito Leeds Bergen Turin Dakar Vienna Prague Athens Geneva Manila
    Denver Montreal Valencia Utrecht Bristol Tallinn Riga Seoul Madrid"""
)
COMPANIES = listed(
    """Northwind Acme Contoso Globex Initech Umbrella Hooli Vertex Bluebird Lumen Orchid Quanta Stellar Pinnacle
    Redwood Maplewood Ironclad Solaris Nimbus Cascade Harbor Evergreen Brightside Kestrel Falconer Juniper"""
)
PRODUCTS = listed(
    """lamp kettle backpack headphones tent mattress keyboard blender bicycle jacket monitor toaster camera drone
    sofa watch printer router tablet stroller drill mirror guitar heater phone laptop notebook charger
    umbrella vacuum speaker"""
)
COLOURS = listed("red blue green black white grey navy beige yellow purple orange silver")
STREETS = listed("Main Oak River Station Mill Church Garden Hill Lake Park Queen King Elm Harbour")
MONTHS = listed("January February March April May June July August September October November December")
WEEKDAYS = listed("Monday Tuesday Wednesday Thursday Friday Saturday Sunday")
SERVICES = listed(
    """auth-service billing-api nginx postgres redis payments-worker search-index mailer sshd kubelet gateway
    scheduler checkout web-01 db-2 cache-03"""
)
STATES = listed(
    """active pending shipped cancelled open closed failed paid overdue delivered approved rejected draft running
    done blocked enabled disabled"""
)
PLANS = listed("basic pro enterprise free team premium starter business gold student")
PLACES = listed("Room Hall Building Gate Platform Seat Floor Terminal Ward Table")


def digits(rng: Random, low: int, high: int) -> str:
    """A string of digits that does not start with 0."""
    count = rng.randint(low, high)
    return str(rng.randint(1, 9)) + "".join(rng.choice(string.digits) for _ in range(count - 1))


def letters(rng: Random, low: int, high: int, alphabet: str = string.ascii_uppercase) -> str:
    """A string of random letters."""
    return "".join(rng.choice(alphabet) for _ in range(rng.randint(low, high)))


def code(rng: Random) -> str:
    """An identifier as shops, ticket systems and warehouses write it."""
    forms: tuple[Callable[[], str], ...] = (
        lambda: f"{letters(rng, 1, 4)}-{digits(rng, 3, 7)}",
        lambda: f"#{digits(rng, 3, 8)}",
        lambda: digits(rng, 4, 10),
        lambda: f"{letters(rng, 2, 3)}{digits(rng, 4, 8)}",
        lambda: f"{letters(rng, 2, 3)}-{digits(rng, 4, 4)}-{digits(rng, 2, 5)}",
        lambda: f"{digits(rng, 2, 4)}-{letters(rng, 2, 3)}-{digits(rng, 1, 3)}",
        lambda: letters(rng, 5, 10, string.ascii_uppercase + string.digits),
        lambda: letters(rng, 6, 12, "0123456789abcdef"),
        lambda: f"{letters(rng, 3, 5, string.ascii_lowercase)}_{digits(rng, 2, 6)}",
        lambda: f"{digits(rng, 1, 3)}/{digits(rng, 2, 4)}",
    )
    return rng.choice(forms)()


def person(rng: Random) -> str:
    """A full name, sometimes with a title or an initial."""
    first, last = rng.choice(FIRST), rng.choice(LAST)
    form = rng.random()
    if form < 0.75:
        return f"{first} {last}"
    if form < 0.85:
        return f"{first} {rng.choice(string.ascii_uppercase)}. {last}"
    return f"{rng.choice(('Dr.', 'Mr', 'Ms', 'Mrs', 'Prof.', 'Dr'))} {rng.choice((last, f'{first} {last}'))}"


def date(rng: Random) -> str:
    """A date in one of the world's spellings."""
    year, month, day = rng.randint(1990, 2031), rng.randint(1, 12), rng.randint(1, 28)
    name = MONTHS[month - 1]
    forms = (
        f"{year}-{month:02}-{day:02}",
        f"{day:02}/{month:02}/{year}",
        f"{day}.{month}.{year}",
        f"{name} {day}, {year}",
        f"{day} {name} {year}",
        f"{day} {name}",
        f"{name} {day}",
        f"{name[:3]} {day}",
        f"{month}/{day}/{year % 100:02}",
        f"{rng.choice(WEEKDAYS)} {day} {name}",
        f"{rng.choice(WEEKDAYS)}",
        f"{day} {name[:3]} {year}",
    )
    return rng.choice(forms)


def clock(rng: Random) -> str:
    """A time of day."""
    hour, minute = rng.randint(0, 23), rng.choice((0, 15, 30, 45, rng.randint(0, 59)))
    forms = (
        f"{hour:02}:{minute:02}",
        f"{hour}:{minute:02}",
        f"{hour % 12 or 12}:{minute:02} pm",
        f"{hour % 12 or 12} am",
        f"{hour:02}:{minute:02}:{rng.randint(0, 59):02}",
        f"{hour % 12 or 12}:{minute:02}am",
    )
    return rng.choice(forms)


def amount(rng: Random) -> str:
    """A price."""
    value = rng.choice((rng.randint(1, 99), rng.randint(100, 9999))) + rng.choice((0.0, 0.5, 0.99, 0.95, rng.random()))
    plain, comma = f"{value:.2f}", f"{value:,.2f}"
    forms = (
        f"${plain}",
        f"€{plain}",
        f"{plain} EUR",
        f"£{comma}",
        f"{int(value)} USD",
        f"${int(value)}",
        f"{plain} €",
        f"CHF {plain}",
        f"{comma} USD",
        f"{int(value)} euros",
        plain,
        f"¥{int(value)}",
        f"EUR {plain}",
        f"{int(value)} kr",
    )
    return rng.choice(forms)


def email(rng: Random) -> str:
    """An address for mail."""
    user = rng.choice(
        (
            rng.choice(FIRST),
            f"{rng.choice(FIRST)}.{rng.choice(LAST)}",
            letters(rng, 3, 8, string.ascii_lowercase),
            rng.choice(("support", "billing", "info", "sales", "hr", "office")),
        )
    )
    host = rng.choice((rng.choice(COMPANIES), letters(rng, 4, 8, string.ascii_lowercase), "mail", "example"))
    return f"{user}@{host}.{rng.choice(('com', 'org', 'net', 'io', 'de', 'co.uk', 'fr', 'example'))}".lower().replace(
        "'", ""
    )


def ip(rng: Random) -> str:
    """An IPv4 address."""
    return ".".join(str(rng.randint(1, 254)) for _ in range(4))


def path(rng: Random) -> str:
    """A path of a file or of a route."""
    parts = [
        rng.choice(
            (
                "var",
                "etc",
                "home",
                "usr",
                "data",
                "srv",
                "opt",
                "api",
                "v1",
                "tmp",
                "backup",
                "users",
                letters(rng, 3, 6, string.ascii_lowercase),
            )
        )
        for _ in range(rng.randint(1, 3))
    ]
    leaf = rng.choice(
        ("app", "main", "config", "report", "orders", "index", "db", letters(rng, 3, 8, string.ascii_lowercase))
    )
    return (
        "/" + "/".join(parts) + f"/{leaf}" + rng.choice((".log", ".txt", ".py", ".csv", "", ".json", ".conf", ".yaml"))
    )


def duration(rng: Random) -> str:
    """A length of time."""
    unit = rng.choice(("ms", "s", " seconds", " minutes", " min", " hours", "h", " days", " weeks", " months"))
    count = rng.choice((rng.randint(1, 60), rng.randint(100, 30000))) if unit in {"ms", "s"} else rng.randint(1, 90)
    return f"{count}{unit}"


def phone(rng: Random) -> str:
    """A telephone number."""
    return rng.choice(
        (
            f"+{rng.randint(1, 99)} {digits(rng, 2, 3)} {digits(rng, 6, 8)}",
            f"({digits(rng, 3, 3)}) {digits(rng, 3, 3)}-{digits(rng, 4, 4)}",
            f"0{digits(rng, 2, 4)}-{digits(rng, 5, 7)}",
            f"555-{digits(rng, 4, 4)}",
        )
    )


def nonsense(rng: Random) -> str:
    """A made-up word: copying must not depend on knowing the word."""
    parts = listed("ba ke lo mi zu ran tor vel qui sha dre pon fi gu xen yo jal wic mor tes nu")
    word = "".join(rng.choice(parts) for _ in range(rng.randint(2, 4)))
    return rng.choice((word, word.capitalize(), word.upper()))


def street(rng: Random) -> str:
    """A house and its street."""
    return f"{rng.randint(1, 250)} {rng.choice(STREETS)} {rng.choice(('Street', 'Road', 'Avenue', 'Lane'))}"


def url(rng: Random) -> str:
    """The address of a page."""
    return f"https://{rng.choice(COMPANIES).lower()}.{rng.choice(('com', 'io', 'org'))}{path(rng)}"


def spot(rng: Random) -> str:
    """A room, a seat or a gate."""
    return f"{rng.choice(PLACES)} {rng.choice((digits(rng, 1, 3), letters(rng, 1, 1) + digits(rng, 1, 2)))}"


def product(rng: Random) -> str:
    """A thing that is bought, sometimes with its colour."""
    thing = rng.choice(PRODUCTS)
    return f"{rng.choice(COLOURS)} {thing}" if rng.random() < 0.4 else thing

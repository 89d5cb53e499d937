"""Words for rows that only have to be many: names, titles and sentences are put together from these."""


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


FIRST_NAMES = _words(
    "Ada Aiko Amir Anders Anika Bela Bruno Carla Chidi Clara Dario Devi Elif Emil Esra Farid Fiona Gita Goran Hana "
    "Hugo Ines Ivan Jana Jamal Joao Kaito Karla Kofi Lars Lena Luca Mara Mei Milan Nadia Nils Noor Olga Omar "
    "Pia Quinn Rafa Rosa Samir Selma Tariq Vera Wim Zofia"
)
LAST_NAMES = _words(
    "Abara Adler Almeida Banerjee Bauer Castro Chen Dahl Diallo Dubois Eriksen Farouk Fischer Garcia Greco Hansen "
    "Horvat Ibrahim Ito Jensen Kaya Keita Kim Kowalski Larsen Lopez Meyer Moreau Nguyen Novak Okoye Olsen Petrov Rossi "
    "Santos Sato Singh Tran Weber Yilmaz"
)
TEAM_KINDS = _words(
    "Platform Search Billing Growth Mobile Web Design Research Support Sales Finance Legal Content Partners Security "
    "Insights Delivery Identity Hardware Events"
)
TEAM_PLACES = _words("Lisbon Oslo Nairobi Kyoto Lima Austin Pune Gdansk Porto Leeds")
AREAS = (
    "onboarding",
    "reporting",
    "imports",
    "scheduling",
    "invoices",
    "messaging",
    "permissions",
    "mobile",
    "archive",
    "launch",
)
LABELS = {
    "bug": "#d73a4a",
    "feature": "#1f883d",
    "question": "#8250df",
    "design": "#bf3989",
    "docs": "#0969da",
    "performance": "#e36209",
    "security": "#b60205",
    "tech debt": "#8c959f",
}
ACTIONS = (
    "Add",
    "Check",
    "Compare",
    "Describe",
    "Export",
    "Fix",
    "Import",
    "Limit",
    "Measure",
    "Merge",
    "Migrate",
    "Move",
    "Remove",
    "Rename",
    "Replace",
    "Review",
    "Show",
    "Simplify",
    "Sort",
    "Split",
    "Test",
    "Translate",
    "Update",
    "Validate",
)
OBJECTS = (
    "the address form",
    "archived accounts",
    "the audit log",
    "bank details",
    "the calendar feed",
    "contracts",
    "currency formats",
    "the daily digest",
    "delivery notes",
    "empty states",
    "error pages",
    "filters",
    "the help centre",
    "invitations",
    "invoice numbers",
    "keyboard shortcuts",
    "the language switch",
    "mail templates",
    "menus",
    "old attachments",
    "opening hours",
    "payment reminders",
    "permissions",
    "phone numbers",
    "price lists",
    "profile pictures",
    "public holidays",
    "rate limits",
    "receipts",
    "saved searches",
    "search results",
    "the sign-in page",
    "tables with many columns",
    "tax rates",
    "time zones",
    "tooltips",
    "uploads",
    "usage reports",
    "webhooks",
    "weekly plans",
)
PLACES = (
    "for large teams",
    "for new customers",
    "in the admin area",
    "in the export",
    "in the mobile app",
    "in the nightly run",
    "in the settings",
    "on slow connections",
    "on the start page",
    "on the status page",
    "with screen readers",
    "without a sign-in",
)
SENTENCES = (
    "Three customers asked for this in the last month.",
    "It is slow with more than a thousand rows.",
    "The current text is hard to understand without the context.",
    "We should measure before and after, with the same account.",
    "This was decided in the planning of last Tuesday; the notes are in the folder of the project.",
    "The old way has to keep working until the end of the quarter.",
    "Please check it on a phone, too.",
    "There is a test that covers most of it, but not the case with an empty list.",
    "The change is small, the review may take longer.",
    "Support needs a short paragraph for the help centre.",
    "Looks good to me, apart from the spacing on narrow screens.",
    "Can we do the first half now and the rest after the release?",
    "It only happens when two people edit at the same time.",
    "The numbers of the report and of the list differ by one.",
    "I could not reproduce it with the account from the ticket.",
    "Nobody uses this any more, as far as the logs of the last ninety days can tell.",
    "Done on staging; goes out with the next deploy.",
    "Let's keep the name, customers know it.",
    "The import stops at the first bad line and should list all of them.",
    "It depends on the migration, so not before Thursday.",
)

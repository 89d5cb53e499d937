"""Who and what the demo is about: the people of Larkspur, who make it easy to book a room to play, dance or throw pots in."""

from dataclasses import dataclass

from domain.permissions import Role
from domain.project import ProjectStatus, ProjectVisibility

DEMO_EMAIL = "demo@pantherahive.dev"
_HOST = "larkspur.example"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody of the demo; `first_name` in small ASCII letters is the name in stories. `skills` are labels of tasks."""

    name: str
    first_name: str
    last_name: str
    time_zone: str
    locale: str = "en"
    skills: tuple[str, ...] = ()

    @property
    def email_address(self) -> str:
        """Where nobody reads it, but for the demo user."""
        return DEMO_EMAIL if self.name == OWNER else f"{self.name}@{_HOST}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Crew:
    """A team: its people by role, its labels by colour, and how many days ago it was founded."""

    name: str
    key: str
    description: str
    founded: int
    roles: dict[str, Role]
    labels: dict[str, str]

    @property
    def owner(self) -> str:
        """Who founded it."""
        return next(name for name, role in self.roles.items() if role is Role.OWNER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Undertaking:
    """A project: its story, and the days before today on which it began and its story ends.

    `added` are members besides its creator (the team's owner) and its lead.
    """

    story: str
    crew: Crew
    name: str
    description: str
    lead: str
    began: int
    ended: int = 0
    due: int | None = None
    added: tuple[str, ...] = ()
    status: ProjectStatus = ProjectStatus.ACTIVE
    visibility: ProjectVisibility = ProjectVisibility.TEAM


OWNER = "dana"

PEOPLE = (
    Person(name=OWNER, first_name="Dana", last_name="Whitfield", time_zone="Europe/London", locale="en-GB"),
    Person(
        name="marcus",
        first_name="Marcus",
        last_name="Lindqvist",
        time_zone="Europe/Stockholm",
        locale="sv",
        skills=("backend", "performance"),
    ),
    Person(
        name="priya", first_name="Priya", last_name="Raghavan", time_zone="Asia/Kolkata", skills=("feature", "ios", "android")
    ),
    Person(
        name="tomas",
        first_name="Tomás",
        last_name="Herrera",
        time_zone="Europe/Madrid",
        locale="es",
        skills=("backend", "bug"),
    ),
    Person(name="yuki", first_name="Yuki", last_name="Tanabe", time_zone="Asia/Tokyo", locale="ja", skills=("ios",)),
    Person(name="amara", first_name="Amara", last_name="Okafor", time_zone="Africa/Lagos", skills=("android",)),
    Person(
        name="jonas",
        first_name="Jonas",
        last_name="Bergmann",
        time_zone="Europe/Berlin",
        locale="de",
        skills=("security", "tech debt", "performance"),
    ),
    Person(
        name="leila",
        first_name="Leïla",
        last_name="Haddad",
        time_zone="Europe/Paris",
        locale="fr",
        skills=("component", "copy"),
    ),
    Person(
        name="sofia",
        first_name="Sofia",
        last_name="Marchetti",
        time_zone="Europe/Rome",
        locale="it",
        skills=("component", "accessibility"),
    ),
    Person(name="ben", first_name="Ben", last_name="Castellano", time_zone="America/New_York", locale="en-US", skills=("bug",)),
    Person(name="nora", first_name="Nora", last_name="Fitzgerald", time_zone="Europe/Dublin", locale="en-IE"),
    Person(name="viktor", first_name="Viktor", last_name="Novák", time_zone="Europe/Prague", locale="cs"),
)

ENGINEERING = Crew(
    name="Engineering",
    key="ENG",
    description="Everything that guests and studios of **Larkspur** tap, pay and rely on. Planning on Tuesdays, demo on Fridays.",
    founded=210,
    roles={
        OWNER: Role.OWNER,
        "marcus": Role.ADMIN,
        "priya": Role.ADMIN,
        "tomas": Role.MEMBER,
        "yuki": Role.MEMBER,
        "amara": Role.MEMBER,
        "jonas": Role.MEMBER,
        "leila": Role.MEMBER,
        "sofia": Role.MEMBER,
        "ben": Role.MEMBER,
        "nora": Role.GUEST,
        "viktor": Role.GUEST,
    },
    labels={
        "bug": "#d73a4a",
        "feature": "#1f883d",
        "backend": "#6f42c1",
        "ios": "#0969da",
        "android": "#3ddc84",
        "performance": "#e36209",
        "security": "#b60205",
        "tech debt": "#8c959f",
    },
)
DESIGN = Crew(
    name="Design",
    key="DES",
    description="One look and one language for web, apps and mails.",
    founded=70,
    roles={"leila": Role.OWNER, "sofia": Role.ADMIN, OWNER: Role.MEMBER, "priya": Role.MEMBER},
    labels={"component": "#bf3989", "accessibility": "#218bff", "copy": "#9a6700"},
)
CREWS = (ENGINEERING, DESIGN)

UNDERTAKINGS = (
    Undertaking(
        story="old_admin",
        crew=ENGINEERING,
        name="Old admin sunset",
        description="Nineteen pages from 2014. What is still needed moves; the rest goes.",
        lead="jonas",
        began=190,
        ended=112,
        due=110,
        added=("nora",),
        status=ProjectStatus.ARCHIVED,
    ),
    Undertaking(
        story="calendar_sync",
        crew=ENGINEERING,
        name="Calendar sync",
        description="Bookings show up where people plan their week, and busy times block slots.",
        lead="marcus",
        began=150,
        ended=41,
        due=45,
        added=("nora",),
        status=ProjectStatus.COMPLETED,
    ),
    Undertaking(
        story="checkout",
        crew=ENGINEERING,
        name="Checkout and payments",
        description=(
            "From a free slot to a paid booking in under a minute.\n\n"
            "**Goals of this quarter**\n\n"
            "1. Strong customer authentication everywhere.\n"
            "2. Gift cards before December.\n"
            "3. Memberships for the ten largest studios."
        ),
        lead="tomas",
        began=96,
        due=-35,
        added=("nora",),
    ),
    Undertaking(
        story="mobile_app",
        crew=ENGINEERING,
        name="Mobile app 3.0",
        description=(
            "One app for guests and studio owners that works in a basement without a signal.\n\n"
            "Beta every second Wednesday; release when the crash-free rate stays above 99.8 % for two weeks."
        ),
        lead="priya",
        began=82,
        due=-48,
        added=("nora",),
    ),
    Undertaking(
        story="security_review",
        crew=ENGINEERING,
        name="Security review",
        description="Yearly review with outside auditors. Findings stay in here until they are fixed.",
        lead="jonas",
        began=47,
        due=-21,
        added=("marcus", "tomas", "viktor"),
        visibility=ProjectVisibility.PRIVATE,
    ),
    Undertaking(
        story="design_system",
        crew=DESIGN,
        name="Design system",
        description="Fewer, better parts: everything that appears on two screens has one name and one home.",
        lead="leila",
        began=62,
        due=-60,
        added=("sofia", "priya"),
    ),
)

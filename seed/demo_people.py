"""The people, teams and projects of the demo: Larkspur, where one books a room for playing music, dancing or pottery."""

from dataclasses import dataclass

from domain.permissions import Role
from domain.project import ProjectStatus, ProjectVisibility

DEMO_EMAIL = "demo@pantherahive.dev"
_EMAIL_DOMAIN = "larkspur.example"
SECOND_EMAIL = f"priya@{_EMAIL_DOMAIN}"
SIGN_IN_EMAILS = frozenset((DEMO_EMAIL, SECOND_EMAIL))
"""Who has a password: the demo user, and a second person of the same teams, to see changes of one at the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A person of the demo; `name` is the first name in lower-case ASCII, as in stories. `skills` are labels of tasks."""

    name: str
    first_name: str
    last_name: str
    time_zone: str
    locale: str = "en"
    skills: tuple[str, ...] = ()

    @property
    def email_address(self) -> str:
        """An address that nobody reads, except for the demo user's."""
        return DEMO_EMAIL if self.name == OWNER else f"{self.name}@{_EMAIL_DOMAIN}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoTeam:
    """A team: its people by role, its labels by colour, and how many days ago it was founded."""

    name: str
    key: str
    description: str
    founded_days_ago: int
    roles: dict[str, Role]
    labels: dict[str, str]

    @property
    def owner(self) -> str:
        """Who founded it."""
        return next(name for name, role in self.roles.items() if role is Role.OWNER)


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoProject:
    """A project: its story, and the days before today on which it began and its story ends.

    `added` are members besides its creator (the team's owner) and its lead.
    """

    story: str
    team: DemoTeam
    name: str
    description: str
    lead: str
    began_days_ago: int
    ended_days_ago: int = 0
    due_days_ago: int | None = None
    added_members: tuple[str, ...] = ()
    status: ProjectStatus = ProjectStatus.ACTIVE
    visibility: ProjectVisibility = ProjectVisibility.TEAM


OWNER = "dana"
SECOND = "priya"

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

ENGINEERING = DemoTeam(
    name="Engineering",
    key="ENG",
    description="Everything that guests and studios of **Larkspur** tap, pay and rely on. Planning on Tuesdays, demo on Fridays.",
    founded_days_ago=210,
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
DESIGN = DemoTeam(
    name="Design",
    key="DES",
    description="One look and one language for web, apps and mails.",
    founded_days_ago=70,
    roles={"leila": Role.OWNER, "sofia": Role.ADMIN, OWNER: Role.MEMBER, "priya": Role.MEMBER},
    labels={"component": "#bf3989", "accessibility": "#218bff", "copy": "#9a6700"},
)
TEAMS = (ENGINEERING, DESIGN)

PROJECTS = (
    DemoProject(
        story="old_admin",
        team=ENGINEERING,
        name="Old admin sunset",
        description="Nineteen pages from 2014. What is still needed moves; the rest goes.",
        lead="jonas",
        began_days_ago=190,
        ended_days_ago=112,
        due_days_ago=110,
        added_members=("nora",),
        status=ProjectStatus.ARCHIVED,
    ),
    DemoProject(
        story="calendar_sync",
        team=ENGINEERING,
        name="Calendar sync",
        description="Bookings show up where people plan their week, and busy times block slots.",
        lead="marcus",
        began_days_ago=150,
        ended_days_ago=41,
        due_days_ago=45,
        added_members=("nora",),
        status=ProjectStatus.COMPLETED,
    ),
    DemoProject(
        story="checkout",
        team=ENGINEERING,
        name="Checkout and payments",
        description=(
            "From a free slot to a paid booking in under a minute.\n\n"
            "**Goals of this quarter**\n\n"
            "1. Strong customer authentication everywhere.\n"
            "2. Gift cards before December.\n"
            "3. Memberships for the ten largest studios."
        ),
        lead="tomas",
        began_days_ago=96,
        due_days_ago=-35,
        added_members=("nora",),
    ),
    DemoProject(
        story="mobile_app",
        team=ENGINEERING,
        name="Mobile app 3.0",
        description=(
            "One app for guests and studio owners that works in a basement without a signal.\n\n"
            "Beta every second Wednesday; release when the crash-free rate stays above 99.8 % for two weeks."
        ),
        lead="priya",
        began_days_ago=82,
        due_days_ago=-48,
        added_members=("nora",),
    ),
    DemoProject(
        story="security_review",
        team=ENGINEERING,
        name="Security review",
        description="Yearly review with outside auditors. Findings stay in here until they are fixed.",
        lead="jonas",
        began_days_ago=47,
        due_days_ago=-21,
        added_members=("marcus", "tomas", "viktor"),
        visibility=ProjectVisibility.PRIVATE,
    ),
    DemoProject(
        story="design_system",
        team=DESIGN,
        name="Design system",
        description="Fewer, better parts: everything that appears on two screens has one name and one home.",
        lead="leila",
        began_days_ago=62,
        due_days_ago=-60,
        added_members=("sofia", "priya"),
    ),
)

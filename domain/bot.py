"""Bots: users that programs act as. A bot is a member of one team, and cannot sign in."""

from uuid import UUID

from domain import team as teams
from domain.actor import Actor
from domain.permissions import Role
from domain.ports import UnitOfWork
from domain.team import Team
from domain.user import User, UserDeleted, UserRegistered, UserStatus
from domain.version import with_changes


async def add_bot(uow: UnitOfWork, actor: Actor, team: Team, name: str) -> User:
    """Make a bot of a team; the actor may manage it."""
    bot_id = uow.new_id()
    bot = User(
        id=bot_id,
        created_at=uow.now,
        updated_at=uow.now,
        first_name=name,
        last_name="",
        email_address=f"{bot_id}@apps.invalid",
        is_bot=True,
    )
    await uow.users.add(bot, None)
    uow.record(UserRegistered(actor_id=actor.user_id, user=bot))
    await teams.join(uow, actor, team, Role.MEMBER, user_id=bot.id)
    return bot


async def remove_bot(uow: UnitOfWork, actor: Actor, bot_id: UUID) -> None:
    """Let a bot leave its team, and end it."""
    bot = await uow.users.lock(bot_id)
    if bot is None:
        return
    await teams.leave_all(uow, actor, bot.id)
    gone = with_changes(bot, uow.now, status=UserStatus.INACTIVE)
    await uow.users.save(gone)
    uow.record(UserDeleted(actor_id=actor.user_id, user=gone))

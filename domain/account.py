"""Closing an account: the person is gone, what they did stays."""

from uuid import UUID

from domain import team as teams
from domain.actor import Actor
from domain.attachment import replace_avatar
from domain.errors import NotFound
from domain.ports import UnitOfWork
from domain.user import UserDeleted, UserStatus, lock_self, record_profile
from domain.version import require_version, with_changes


async def close_account(uow: UnitOfWork, actor: Actor, user_id: UUID, *, expected_version: int | None) -> UUID:
    """Close one's own account. Whoever owns a team hands it over first."""
    if user_id != actor.user_id:
        raise NotFound(("input", "id"))
    user = await lock_self(uow, actor)
    require_version(user, expected_version)
    team_ids = await uow.users.team_ids(user.id)
    await teams.leave_all(uow, actor, user.id)
    gone = with_changes(
        user,
        uow.now,
        status=UserStatus.INACTIVE,
        first_name="Former",
        last_name="member",
        email_address=f"{user.id}@deleted.invalid",
        email_verified_at=None,
        avatar_id=await replace_avatar(uow, actor, user.avatar_id, None),
    )
    await uow.users.save(gone)
    await uow.users.forget_password(user.id)
    await uow.notifications.delete_all(user.id)
    await uow.sessions.revoke_all(user.id, except_for=None, at=uow.now)
    uow.record(UserDeleted(actor_id=actor.user_id, user=gone))
    record_profile(uow, user, gone, team_ids)
    return user.id

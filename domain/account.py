"""Changes of an account that can lock its owner out: another password, and closing it, after which what they did stays.

Each needs that the person has shown within ten minutes who they are (`domain.session.require_recent_sign_in`).
"""

from uuid import UUID

from domain import session as sessions
from domain import team as teams
from domain.account_mail import AccountMail, AccountMailKind
from domain.account_token import TokenPurpose
from domain.actor import Actor
from domain.attachment import replace_avatar
from domain.errors import NotFound
from domain.ports import UnitOfWork
from domain.user import User, UserDeleted, UserStatus, lock_self, record_password, record_profile
from domain.version import require_version, with_changes


async def change_password(uow: UnitOfWork, actor: Actor, password_hash: str) -> User:
    """Replace the password, and end all other sessions; the caller has hashed it."""
    user = await lock_self(uow, actor)
    await sessions.require_recent_sign_in(uow, actor)
    await uow.users.set_password(user.id, password_hash)
    await record_password(uow, user.id)
    await uow.account_tokens.remove_all(user.id, [TokenPurpose.PASSWORD_RESET])
    await sessions.revoke_all(uow, user.id, actor_id=actor.user_id, except_for=actor.session_id)
    uow.send_mail(AccountMail(kind=AccountMailKind.PASSWORD_CHANGED, address=user.email_address, name=user.display_name))
    return user


async def close_account(uow: UnitOfWork, actor: Actor, user_id: UUID, *, expected_version: int | None) -> UUID:
    """Close one's own account. Whoever owns a team hands it over first."""
    if user_id != actor.user_id:
        raise NotFound(("input", "id"))
    user = await lock_self(uow, actor)
    require_version(user, expected_version)
    await sessions.require_recent_sign_in(uow, actor)
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
        is_server_admin=False,
    )
    await uow.users.save(gone)
    await uow.users.set_password(user.id, None)
    await uow.notifications.delete_all(user.id)
    await uow.api_tokens.remove_all(user.id)
    await uow.push_devices.remove_all(user.id)
    await uow.calendar_feeds.remove(user.id)
    await uow.mail_reports.remove_all(user.id)
    await uow.jobs.remove_all(user.id, uow.now)
    await uow.factors.remove([each.id for each in await uow.factors.list_for_user(user.id)])
    await uow.factors.replace_recovery_codes(user.id, [])
    await uow.external_identities.remove([each.id for each in await uow.external_identities.list_for_user(user.id)])
    await uow.account_tokens.remove_all(user.id, list(TokenPurpose))
    await sessions.revoke_all(uow, user.id, actor_id=actor.user_id)
    uow.record(UserDeleted(actor_id=actor.user_id, user=gone))
    record_profile(uow, user, gone, team_ids)
    return user.id

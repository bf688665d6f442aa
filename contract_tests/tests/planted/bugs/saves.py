"""What a save may change, and what it answers."""

from contract_tests.tests.planted.bases import Outer, Toy, with_head
from contract_tests.tests.planted.planting import planted

from holdfast.toolkit import Plan
from holdfast.toolkit.sessions import StoreSessions


@planted("The user of a session can be changed.", "conflicts.other_user", "identity.user")
class UserChangeable(Toy):
    def judge(self, write, head, known, removable):
        if head and write.state and not write.create:
            write = write._replace(state=write.state._replace(user_id=head.user_id))
        return super().judge(write, head, known, removable)


@planted("The parent of a session can be changed.", "identity.parent")
class ParentChangeable(Toy):
    def judge(self, write, head, known, removable):
        if head and write.state:
            write = write._replace(state=write.state._replace(parent_id=head.parent_id))
        return super().judge(write, head, known, removable)


@planted("created_at is overwritten by each save.", "identity.envelope", "identity.envelope_is_the_stores")
class CreatedAtOverwritten(Toy):
    def judge(self, write, head, known, removable):
        plan = super().judge(write, head, known, removable)
        return with_head(plan, created_at=write.now) if write.state else plan


@planted("A save changes agent and status only where they are given.", "identity.columns")
class ColumnsOnlyAdded(Toy):
    def judge(self, write, head, known, removable):
        plan = super().judge(write, head, known, removable)
        if isinstance(plan, Plan) and head and write.state:
            new = plan.done.head
            return with_head(
                plan, agent=new.agent or head.agent, completed_at=new.completed_at or head.completed_at
            )
        return plan


@planted("A save answers with the session as it was sent.", "identity.envelope")
class AnsweredAsSent(Outer):
    class Sessions(StoreSessions):
        async def save(self, session, **how):
            saved = await super().save(session, **how)
            return session.model_copy(update={"version": saved.version, "key": saved.key})

"""Tasks that go: deleted, forbidden to accounts, or left out of lists."""

from pyrus_etl.sandbox.world.archive import Archive


class Presence(Archive):
    """An archive in which tasks vanish, for all accounts or for one, and come back. Each method returns the id."""

    def delete(self, task_id: int) -> int:
        """Deletes the task: it is answered with 404 and is not in any list."""
        self._deleted.add(self.ordinal(task_id))
        return task_id

    def restore(self, task_id: int) -> int:
        """Brings a deleted task back as it was."""
        self._deleted = {one for one in self._deleted if self.id_of(one) != task_id}
        return task_id

    def revoke(self, task_id: int) -> int:
        """Takes every account's access away: the task is answered with 403 and is not in any list."""
        self._revoked.add(self.ordinal(task_id))
        return task_id

    def grant(self, task_id: int) -> int:
        """Gives the accounts access again."""
        self._revoked.discard(self.ordinal(task_id))
        return task_id

    def hide(self, task_id: int, viewer: int) -> int:
        """Takes one account's access away: for it the task is answered with 403, and is not in its lists."""
        self._hidden[viewer] = self._hidden.get(viewer, set()) | {self.ordinal(task_id)}
        return task_id

    def show(self, task_id: int, viewer: int) -> int:
        """Gives one account access again."""
        self._hidden[viewer] = self._hidden.get(viewer, set()) - {self.ordinal(task_id)}
        return task_id

    def unlist(self, task_id: int) -> int:
        """Removes the task from all lists; it can still be fetched by its id."""
        self._unlisted.add(self.ordinal(task_id))
        return task_id

    def relist(self, task_id: int) -> int:
        """Makes lists show the task again."""
        self._unlisted.discard(self.ordinal(task_id))
        return task_id
